// SPDX-License-Identifier: GPL-3.0-or-later
// The packages of one release and architecture, as the lock file pins them. When the mirror no longer has them, the
// build continues with the mirror's versions and reports it; with `strict` (a release build) it stops instead.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../common/atomic.ts";
import { Failure, fail } from "../../common/fail.ts";
import { inTurn } from "../../common/lock.ts";
import type { Session } from "../host/session.ts";
import { openArchive } from "./archive.ts";
import {
  addPin,
  continuing,
  identityOf,
  type Lock,
  lockChanges,
  lockIdentity,
  outdatedSets,
  type PackagePin,
  pinsOf,
  readLock,
  type SetRequests,
  unlessTheSame,
  withoutSets,
  withRepeats,
  writeLock,
} from "./lock.ts";
import type { Mirror } from "./mirror.ts";
import { openPool } from "./pool.ts";

/** Every configured Debian system starts from these. */
export const ESSENTIAL = ["?essential", "apt"] as const;

export interface PackagesOptions {
  readonly session: Session;
  readonly mirror: () => Promise<Mirror>;
  readonly release: string;
  readonly architecture: string;
  /** The sets this release and architecture has, all of them, so that one lock serves every profile. */
  readonly requests: SetRequests;
  /** False: nothing is taken from the release's security archive. */
  readonly security?: boolean;
  readonly lockDirectory: string;
  /** Directory of the locks on which those in `lockDirectory` build and whose updates they follow. Never written. */
  readonly continues?: string;
  readonly cache: string;
  /** The store of downloaded packages. */
  readonly pool: string;
  /** `use` the lock and let it follow the profiles; `update` it first; `strict`: never move a version. */
  readonly mode: "use" | "update" | "strict";
  /** False: a lock that had to be made is used, but not written to the project. */
  readonly write: boolean;
}

export interface Packages {
  readonly lock: Lock;
  /** A set as `name=version` with the start of its hash, for layer inputs. */
  identity(set: string): Readonly<Record<string, string>>;
  /** Lays out a repository with exactly this set, fetching what the local store lacks. */
  repository(set: string, directory: string): Promise<void>;
  /** The same for chosen packages of the sets that were fetched. */
  layOut(pins: readonly PackagePin[], directory: string): Promise<void>;
  /** The control stanza of a package that was fetched. */
  control(pin: PackagePin): Promise<string>;
  /** What differs from the committed lock, empty when nothing does. */
  readonly drift: readonly string[];
}

export async function openPackages(options: PackagesOptions, needed: readonly string[]): Promise<Packages> {
  const { session, release, architecture, requests, lockDirectory, cache, mode } = options;
  const file = `${release}-${architecture}.lock`;
  const lockPath = join(lockDirectory, file);
  const driftPath = join(cache, "locks", file);
  const pool = async () => openPool(session, await options.mirror(), options.pool);

  /** Asks the mirror for these sets: for its newest versions, or for the lock's own, where `from` is one. */
  const directory = join(cache, "apt", `${release}-${architecture}`);
  const resolve = (names: readonly string[], epoch: number, from?: Lock): Promise<Lock> =>
    // Only one process at a time may use APT's private state.
    inTurn(`${directory}.lock`, () => resolveNow(names, epoch, from), {
      signal: session.signal,
      waits: (holder) => session.note(`process ${holder} is asking APT; waiting for it`),
    });
  const resolveNow = async (names: readonly string[], epoch: number, from?: Lock): Promise<Lock> => {
    const suites = new Set(Object.values(requests).flatMap((request) => request.flatMap(suiteOf)));
    const archive = await openArchive({
      run: session.run,
      mirror: await options.mirror(),
      release,
      architecture,
      directory,
      suites: [...suites],
      security: options.security ?? true,
      ...(from ? { kept: await layOutLocked(from, join(directory, "locked")) } : {}),
    });
    await archive.refresh();
    const start = from ? withoutSets(from, requests, names) : { sets: {}, packages: {} };
    const sets: Record<string, Lock["sets"][string]> = { ...start.sets };
    const packages: Record<string, PackagePin> = { ...start.packages };
    for (const set of names) {
      session.note(`resolving ${set}`);
      const request = requests[set]!;
      const pins = await archive.resolve(request);
      sets[set] = { request, packages: pins.map((pin) => addPin(packages, pin)) };
    }
    return { release, architecture, epoch, sets, packages };
  };
  const resolveAll = (epoch: number) => resolve(Object.keys(requests), epoch);

  /** The lock's packages that are in the store, as a repository; the mirror may have only newer versions of them. */
  const layOutLocked = async (from: Lock, repository: string) => {
    const pins = Object.entries(from.packages).flatMap(([key, pin]) =>
      key === pin.name && existsSync(join(options.pool, `${pin.sha256}.deb`)) ? [pin] : [],
    );
    await (await pool()).layOut(pins, repository, release, architecture);
    return { repository, pins };
  };

  /** An additional package changes no other version, unless it requires newer ones than the lock has. */
  const follow = async (from: Lock, outdated: readonly string[]): Promise<Lock> => {
    try {
      return await resolve(outdated, from.epoch, from);
    } catch (error) {
      // The mirror's newest versions do not help when a name does not exist or the mirror cannot be reached.
      const isFinal = error instanceof Failure && FINAL.includes(error.code);
      if (session.signal.aborted || isFinal) throw error;
      session.note(`the lock's versions do not go with what is asked for: ${error}`);
      return resolveAll(from.epoch);
    }
  };

  const below = options.continues ? await readLock(join(options.continues, file)) : undefined;
  const committed = withRepeats(continuing(await readLock(lockPath), below), requests);
  const outdated = outdatedSets(committed, requests);
  let lock = committed;
  if (mode === "strict" && outdated.length > 0) {
    fail({
      code: "lock-outdated",
      what: `The lock file does not cover what the profiles ask for, and a release build does not change it.`,
      found: `sets: ${outdated.join(", ")}`,
      hint: "./cbox build PROFILE --update-lock, look at the diff, commit it, then build the release",
    });
  }
  if (mode === "update" || outdated.length > 0 || !lock) {
    // A profile that requests an additional package does not change every layer; --update-lock does.
    lock =
      committed && mode === "use"
        ? await follow(committed, outdated)
        : unlessTheSame(committed, await resolveAll(Math.floor(Date.now() / 1000)));
    if (below) lock = { ...lock, continues: lockIdentity(below) };
    if (options.write) {
      await mkdir(lockDirectory, { recursive: true });
      await writeLock(lockPath, lock);
    }
    const moved = lockChanges(committed, lock);
    session.say(`  lock ${release}-${architecture}: ${moved.length === 0 ? "nothing moved" : brief(moved)}`);
  }

  const basis = createHash("sha256").update(JSON.stringify(lock)).digest("hex");
  const fetchAll = async (candidate: Lock) => {
    for (const set of needed) {
      const pins = pinsOf(candidate, set);
      if (pins.some((pin) => !existsSync(join(options.pool, `${pin.sha256}.deb`))))
        await (await pool()).fetch(pins);
    }
  };

  // The versions that an earlier build took from the mirror for the same lock; the mirror may have newer ones by now.
  const noted = existsSync(driftPath)
    ? ((await readLock(driftPath)) as Lock & { basis?: string })
    : undefined;
  const goesOnWithout = (error: unknown) =>
    error instanceof Failure && error.code === "package-gone" && mode !== "strict";
  const tried = [lock, ...(noted?.basis === basis ? [noted] : [])];
  let used: Lock | undefined;
  for (const candidate of tried) {
    try {
      await fetchAll(candidate);
      used = candidate;
      break;
    } catch (error) {
      if (!goesOnWithout(error)) throw error;
    }
  }
  if (!used) {
    used = await resolveAll(lock.epoch);
    await fetchAll(used);
    await writeFileAtomic(driftPath, JSON.stringify({ ...used, basis }));
  }
  const drift = used === lock ? [] : lockChanges(lock, used);
  if (drift.length > 0) {
    session.say(`  the mirror has moved past the lock file (${brief(drift)}); --update-lock records it`);
  }

  return {
    lock: used,
    drift,
    identity: (set) => identityOf(pinsOf(used, set)),
    repository: async (set, directory) =>
      (await pool()).layOut(pinsOf(used, set), directory, release, architecture),
    control: async (pin) => (await pool()).control(pin),
    layOut: async (pins, directory) => (await pool()).layOut(pins, directory, release, architecture),
  };
}

/** Failures that a retry with other versions would only repeat. */
const FINAL: readonly string[] = ["package-unknown", "mirror-unreachable"];

/** The suite that a word of a request names: `linux-image-arm64/trixie-backports`. */
function suiteOf(word: string): string[] {
  return word.split("/").slice(1);
}

function brief(items: readonly string[]): string {
  return items.length > 8 ? `${items.slice(0, 8).join(", ")} and ${items.length - 8} more` : items.join(", ");
}
