// SPDX-License-Identifier: GPL-3.0-or-later
// The lock file: it survives writing and reading, says what moved, and knows when a profile asks for more.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  addPin,
  continuing,
  type Lock,
  lockChanges,
  lockIdentity,
  outdatedSets,
  pinsOf,
  readLock,
  unlessTheSame,
  withoutSets,
  withRepeats,
  writeLock,
} from "../../../../image/debian/lock.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const pin = (name: string, version: string) => ({
  name,
  version,
  architecture: "amd64",
  size: 10,
  sha256: "ab".repeat(32),
  repository: "debian" as const,
  path: `pool/main/${name}_${version}_amd64.deb`,
});

const lock: Lock = {
  release: "trixie",
  architecture: "amd64",
  epoch: 1_763_000_000,
  sets: {
    base: { request: ["apt", "serf"], packages: ["apt", "serf"] },
    tools: { request: ["mtools"], packages: ["mtools"] },
  },
  packages: { apt: pin("apt", "3.0"), mtools: pin("mtools", "4"), serf: pin("serf", "0.10") },
};

describe("the lock file", () => {
  it("is read back as it was written, one package a line", async () => {
    const path = join(temporaryDirectory(), "x.lock");
    await writeLock(path, lock);
    expect(await readLock(path)).toEqual(lock);
    expect(
      (await readFile(path, "utf8")).split("\n").filter((line) => line.includes('"sha256"')),
    ).toHaveLength(3);
    expect(await readLock(`${path}.missing`)).toBeUndefined();
  });

  it("keeps its content and time where a newer one has the same packages in the same sets", () => {
    const newer: Lock = {
      ...lock,
      epoch: lock.epoch + 1,
      packages: Object.fromEntries(Object.entries(lock.packages).reverse()),
    };
    expect(unlessTheSame(lock, newer)).toBe(lock);
    const moved = { ...newer, packages: { ...newer.packages, apt: pin("apt", "3.1") } };
    expect(unlessTheSame(lock, moved)).toBe(moved);
    const smaller = { ...newer, sets: { base: lock.sets.base! } };
    expect(unlessTheSame(lock, smaller)).toBe(smaller);
    expect(unlessTheSame(undefined, newer)).toBe(newer);
  });

  it("keeps a second version of a package, such as a kernel from backports, for the set that asked for it", () => {
    const packages: Record<string, ReturnType<typeof pin>> = {};
    const [stable, backport] = [pin("linux-base", "4.12"), pin("linux-base", "4.17~bpo13+1")];
    const keys = [stable, backport, stable].map((each) => addPin(packages, each));
    expect(keys).toEqual(["linux-base", "linux-base=4.17~bpo13+1", "linux-base"]);
    const sets = { one: { request: [], packages: [keys[0]!] }, two: { request: [], packages: [keys[1]!] } };
    expect(pinsOf({ ...lock, sets, packages }, "one")).toEqual([stable]);
    expect(pinsOf({ ...lock, sets, packages }, "two")).toEqual([backport]);
  });

  it("pins the versions of a set", () => {
    expect(pinsOf(lock, "base").map(({ name }) => name)).toEqual(["apt", "serf"]);
    expect(pinsOf(lock, "unknown")).toEqual([]);
  });

  it("lists what changed", () => {
    const { mtools: _, ...rest } = lock.packages;
    const after = { ...lock, packages: { ...rest, apt: pin("apt", "3.1"), nano: pin("nano", "8") } };
    expect(lockChanges(lock, after)).toEqual(["apt 3.0 -> 3.1", "-mtools", "+nano 8"]);
    expect(lockChanges(lock, lock)).toEqual([]);
  });

  it("lists the sets that a changed profile makes outdated", () => {
    const requests = { base: ["apt", "serf"], tools: ["mtools", "fdisk"], "profile:vm": ["nano"] };
    expect(outdatedSets(lock, requests)).toEqual(["tools", "profile:vm"]);
    expect(outdatedSets(undefined, { base: ["apt"] })).toEqual(["base"]);
  });
});

describe("boards with the same packages", () => {
  it("use the locked set of another, so that nothing has to be resolved", () => {
    const set = { request: ["apt", "nano"], packages: ["apt", "libc6", "nano"] };
    const locked = {
      release: "trixie",
      architecture: "amd64",
      epoch: 1,
      sets: { "profile:a": set },
      packages: {},
    };
    const requests = { "profile:a": ["apt", "nano"], "profile:b": ["apt", "nano"], "profile:c": ["apt"] };
    const lock = withRepeats(locked, requests);
    expect(lock?.sets["profile:b"]).toEqual(set);
    expect(outdatedSets(lock, requests)).toEqual(["profile:c"]);
    expect(withRepeats(undefined, requests)).toBeUndefined();
  });

  it("keep unchanged sets when another is resolved again, and drop unused ones", () => {
    const requests = { base: ["apt", "serf"], more: ["nano"] };
    const kept = withoutSets({ ...lock, packages: { ...lock.packages, apt: pin("apt", "3.0") } }, requests, [
      "more",
    ]);
    expect(Object.keys(kept.sets)).toEqual(["base"]);
    expect(Object.keys(kept.packages).sort()).toEqual(["apt", "serf"]);
    expect(kept.epoch).toBe(lock.epoch);
  });

  it("keep two versions of one package for the sets that use them", () => {
    const two: Lock = {
      ...lock,
      sets: {
        base: { request: ["apt"], packages: ["apt"] },
        new: { request: ["apt/trixie-backports"], packages: ["apt=3.2"] },
      },
      packages: { apt: pin("apt", "3.0"), "apt=3.2": pin("apt", "3.2") },
    };
    const requests = { base: ["apt"], new: ["apt/trixie-backports"], tools: ["mtools"] };
    const kept = withoutSets(two, requests, ["tools"]);
    expect(pinsOf(kept, "base")[0]!.version).toBe("3.0");
    expect(pinsOf(kept, "new")[0]!.version).toBe("3.2");
  });
});

describe("the lock beside a user's own profiles", () => {
  const added = { ...lock.sets, "profile:attic": { request: ["serf", "mc"], packages: ["serf", "mc"] } };
  const own: Lock = {
    ...lock,
    continues: lockIdentity(lock),
    sets: added,
    packages: { ...lock.packages, mc: pin("mc", "4.8") },
  };

  it("exists only when something was added", () => {
    expect(continuing(undefined, undefined)).toBeUndefined();
    expect(continuing(lock, undefined)).toBe(lock);
    expect(continuing(undefined, lock)).toEqual(lock);
  });

  it("stays valid while the project's lock is unchanged, and survives writing", async () => {
    const path = join(temporaryDirectory(), "trixie-amd64.lock");
    await writeLock(path, own);
    expect(await readLock(path)).toEqual(own);
    expect(continuing(own, lock)).toBe(own);
  });

  it("follows the project's lock when that changes, and keeps the versions that were added", () => {
    const moved: Lock = { ...lock, packages: { ...lock.packages, serf: pin("serf", "0.11") } };
    const followed = continuing(own, moved)!;
    expect(followed.packages.serf?.version).toBe("0.11");
    expect(followed.packages.mc?.version).toBe("4.8");
    // To be asked for anew, with the project's versions.
    expect(outdatedSets(followed, { base: ["apt", "serf"], "profile:attic": ["serf", "mc"] })).toEqual([
      "profile:attic",
    ]);
  });
});
