// SPDX-License-Identifier: GPL-3.0-or-later
// The lock file: the exact version of each package in each package set, one file per release and architecture.
// It names repositories by a key, never by host.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

export interface PackagePin {
  readonly name: string;
  readonly version: string;
  /** The package's own architecture: that of the release, or `all`. */
  readonly architecture: string;
  /** Bytes of the .deb file. */
  readonly size: number;
  readonly sha256: string;
  readonly repository: "debian" | "security";
  /** Path of the .deb below the repository's base address. */
  readonly path: string;
}

/** A set of packages that is installed together, such as the base layer or one profile's own packages. */
export interface LockedSet {
  /** As APT takes it: `NAME`, or `NAME/SUITE` for a package that is not from the release itself. */
  readonly request: readonly string[];
  /** Keys of all packages that the request takes, in the order of their names. */
  readonly packages: readonly string[];
}

export interface Lock {
  readonly release: string;
  readonly architecture: string;
  /** Seconds since 1970 at which the lock was made; the build's SOURCE_DATE_EPOCH. */
  readonly epoch: number;
  /** Of a lock beside a person's own profiles: identity of the project's lock that it continues. */
  readonly continues?: string;
  readonly sets: Readonly<Record<string, LockedSet>>;
  /** By name; a second version of one, which another set takes from backports, by `NAME=VERSION`. */
  readonly packages: Readonly<Record<string, PackagePin>>;
}

export type SetRequests = Readonly<Record<string, readonly string[]>>;

export async function readLock(path: string): Promise<Lock | undefined> {
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Lock) : undefined;
}

/** Writes the lock with one package a line, so that new versions are easy to read in a diff. */
export async function writeLock(path: string, lock: Lock): Promise<void> {
  const lines = (record: Readonly<Record<string, unknown>>) =>
    Object.keys(record)
      .sort()
      .map((key) => `    ${JSON.stringify(key)}: ${JSON.stringify(record[key])}`)
      .join(",\n");
  const { release, architecture, epoch, continues } = lock;
  const head = Object.entries({ release, architecture, epoch, ...(continues ? { continues } : {}) })
    .map(([key, value]) => `  "${key}": ${JSON.stringify(value)}`)
    .join(",\n");
  await writeFile(
    path,
    `{\n${head},\n  "sets": {\n${lines(lock.sets)}\n  },\n  "packages": {\n${lines(lock.packages)}\n  }\n}\n`,
  );
}

/** Adds a pin and returns its key. */
export function addPin(packages: Record<string, PackagePin>, pin: PackagePin): string {
  const other = packages[pin.name];
  const key = !other || other.version === pin.version ? pin.name : `${pin.name}=${pin.version}`;
  packages[key] = pin;
  return key;
}

/** The pins of one set, sorted by name. */
export function pinsOf(lock: Lock, set: string): PackagePin[] {
  return (lock.sets[set]?.packages ?? []).map((name) => lock.packages[name]!);
}

/** Pins as `name -> version and the start of the hash`, for layer inputs. */
export function identityOf(pins: readonly PackagePin[]): Record<string, string> {
  return Object.fromEntries(pins.map((pin) => [pin.name, `${pin.version} ${pin.sha256.slice(0, 16)}`]));
}

/** The lock with the sets it has under another name: boards that ask for the same packages take the same ones. */
export function withRepeats(lock: Lock | undefined, requests: SetRequests): Lock | undefined {
  if (!lock) return undefined;
  const known = new Map(Object.values(lock.sets).map((set) => [set.request.join(" "), set]));
  const repeats = outdatedSets(lock, requests).flatMap((name) => {
    const set = known.get(requests[name]!.join(" "));
    return set ? [[name, set] as const] : [];
  });
  return { ...lock, sets: { ...lock.sets, ...Object.fromEntries(repeats) } };
}

/** A hash of the lock's content. */
export function lockIdentity(lock: Lock): string {
  return createHash("sha256").update(JSON.stringify(lock)).digest("hex").slice(0, 16);
}

/**
 * The lock beside a person's own profiles, `own`, on top of the project's lock, `below`. After an update of the
 * project's lock its versions take precedence; `own` keeps only packages that the project lacks, so that its sets,
 * which are resolved again, use the same versions of them.
 */
export function continuing(own: Lock | undefined, below: Lock | undefined): Lock | undefined {
  if (!below || own?.continues === lockIdentity(below)) return own;
  return { ...below, packages: { ...own?.packages, ...below.packages } };
}

/** The new lock, or the previous one when only the time differs: then nothing has to be built again. */
export function unlessTheSame(before: Lock | undefined, after: Lock): Lock {
  const isSame =
    isDeepStrictEqual(before?.sets, after.sets) && isDeepStrictEqual(before?.packages, after.packages);
  return before && isSame ? before : after;
}

/** Names of the sets whose request differs from what the lock was made for. */
export function outdatedSets(lock: Lock | undefined, requests: SetRequests): string[] {
  const same = (a: readonly string[] = [], b: readonly string[]) => a.join(" ") === b.join(" ");
  return Object.keys(requests).filter(
    (set) => !lock?.sets[set] || !same(lock.sets[set].request, requests[set]!),
  );
}

/**
 * The unchanged sets with their pins, and the newly resolved sets beside them. When two sets need two versions of one
 * package, both are kept.
 */
export function withoutSets(lock: Lock, requests: SetRequests, outdated: readonly string[]): Lock {
  const packages: Record<string, PackagePin> = {};
  const stay = Object.keys(requests).filter((set) => !outdated.includes(set));
  const sets = Object.fromEntries(
    stay.map((set) => {
      const keys = pinsOf(lock, set).map((pin) => addPin(packages, pin));
      return [set, { request: requests[set]!, packages: keys }];
    }),
  );
  return { ...lock, sets, packages };
}

/** The differences of two locks, one short phrase a package: `+serf 0.10.1`, `-nano`, `openssl 3.5.1 -> 3.5.4`. */
export function lockChanges(before: Lock | undefined, after: Lock): string[] {
  const old = before?.packages ?? {};
  const names = [...new Set([...Object.keys(old), ...Object.keys(after.packages)])].sort();
  return names.flatMap((name) => {
    const [was, is] = [old[name], after.packages[name]];
    if (!is) return [`-${name}`];
    if (!was) return [`+${name} ${is.version}`];
    return was.version === is.version ? [] : [`${name} ${was.version} -> ${is.version}`];
  });
}
