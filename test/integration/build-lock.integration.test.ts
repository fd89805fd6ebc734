// SPDX-License-Identifier: GPL-3.0-or-later
// The lock file against the real mirror: moved once in a build, and what a build does when the mirror has moved past it.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createSession } from "../../image/host/session.ts";
import { listProfiles } from "../../image/profile/index.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { profilesWith, scratch } from "./project.ts";

/**
 * The project's profiles with one machine: APT is asked once for the packages of each, and for these tests one is as
 * good as all.
 */
async function onlyVm(edit: (lock: string) => string): Promise<string> {
  const profiles = await profilesWith("locks/trixie-amd64.lock", edit);
  for (const { id, abstract } of listProfiles(profiles))
    if (!abstract && id !== "vm-amd64") await rm(join(profiles, `${id}.yaml`));
  return profiles;
}

describe("the lock file", () => {
  it("is updated once in a build by --update-lock, however many layers need packages", async () => {
    // Where no version moves, the lock stays as it is.
    const profiles = await onlyVm((text) => {
      const lock = JSON.parse(text);
      lock.packages.nano.version = "0.0.1";
      return JSON.stringify(lock);
    });
    const directory = await scratch();
    const session = createSession({ logDirectory: join(directory, "log") });
    const workspace = openWorkspace({ session, profiles, lock: "update", cache: directory });
    const before = JSON.parse(await readFile(join(profiles, "locks/trixie-amd64.lock"), "utf8"));
    const first = await workspace.packages("trixie", "amd64", ["base"]);
    const second = await workspace.packages("trixie", "amd64", ["tools"]);
    expect(first.lock.epoch).toBeGreaterThan(before.epoch);
    expect(second.lock.epoch).toBe(first.lock.epoch);
  });

  it("names a package that left the mirror: a release build stops, another build continues with a warning", async () => {
    const gone = "0".repeat(64);
    const profiles = await onlyVm((text) => {
      const lock = JSON.parse(text);
      Object.assign(lock.packages.nano, {
        version: "0.0.1",
        sha256: gone,
        path: "pool/main/n/nano/nano_0.0.1_amd64.deb",
      });
      return JSON.stringify(lock);
    });
    const directory = await scratch();
    const session = createSession({ logDirectory: join(directory, "log") });
    const open = (lock: "use" | "strict") =>
      openWorkspace({ session, profiles, lock, cache: directory }).packages("trixie", "amd64", ["base"]);

    await expect(open("strict")).rejects.toMatchObject({
      code: "package-gone",
      message: "1 package(s) of the lock file could not be fetched from the mirror.",
      found: "nano 0.0.1",
    });
    const packages = await open("use");
    expect(packages.drift.find((line) => line.startsWith("nano"))).toMatch(/^nano 0\.0\.1 -> \d/);
    expect(packages.identity("base").nano).not.toContain(gone.slice(0, 16));

    // The mirror moves once more: what was written down of its versions is gone, too.
    const noted = join(directory, "locks/trixie-amd64.lock");
    const stale = JSON.parse(await readFile(noted, "utf8"));
    Object.assign(stale.packages.nano, {
      version: "0.0.2",
      sha256: gone,
      path: "pool/main/n/nano/nano_0.0.2_amd64.deb",
    });
    await writeFile(noted, JSON.stringify(stale));
    const again = await open("use");
    expect(again.drift.find((line) => line.startsWith("nano"))).toBe(
      packages.drift.find((line) => line.startsWith("nano")),
    );
  });
});
