// SPDX-License-Identifier: GPL-3.0-or-later
// Checks that Debian has the packages that a service names, by the lock files, else by the package lists that builds
// have fetched. A missing list is reported; nothing is downloaded.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import type { Service } from "../../common/service.ts";
import { type Lock, readLock } from "../debian/lock.ts";

export interface PackageSources {
  /** Of the lock files, one for each release and architecture that there are boxes of. */
  readonly locks: string;
  /** Of APT's private states, `<release>-<architecture>` each; made by builds. */
  readonly lists: string;
}

export interface PackageFindings {
  /** Sentences that begin with the field. */
  readonly mistakes: readonly string[];
  /** Sentences about what could not be looked up here. */
  readonly unchecked: readonly string[];
}

/** For each release and architecture that the service may run on. */
export async function lintPackages(
  { packages, architectures }: Pick<Service, "packages" | "architectures">,
  { locks, lists }: PackageSources,
): Promise<PackageFindings> {
  const mistakes: string[] = [];
  const unchecked: string[] = [];
  for (const file of readdirSync(locks)
    .filter((name) => name.endsWith(".lock"))
    .sort()) {
    const lock = await readLock(join(locks, file));
    if (!lock || !architectures.some((each) => each === lock.architecture)) continue;
    const unlocked = packages.filter((name) => !isLocked(lock, name));
    if (unlocked.length === 0) continue;
    const debian = `Debian ${lock.release} for ${lock.architecture}`;
    const known = await listed(join(lists, `${lock.release}-${lock.architecture}`), unlocked);
    if (!known) {
      unchecked.push(
        `packages: ${unlocked.join(", ")} not looked for in ${debian}: no list of its packages is here, a build fetches it`,
      );
      continue;
    }
    for (const name of unlocked.filter((each) => !known.has(each)))
      mistakes.push(`packages: ${debian} has no package "${name}"`);
  }
  return { mistakes, unchecked };
}

function isLocked(lock: Lock, name: string): boolean {
  return Object.values(lock.packages).some((pin) => pin.name === name);
}

/** Those of the names that APT's lists in that directory have as packages; undefined when it has no lists. */
async function listed(directory: string, names: readonly string[]): Promise<ReadonlySet<string> | undefined> {
  const configuration = join(directory, "apt.conf");
  const lists = join(directory, "lists");
  const hasLists =
    existsSync(configuration) &&
    existsSync(lists) &&
    readdirSync(lists).some((name) => /_Packages(\.|$)/.test(name));
  if (!hasLists) return undefined;
  const env = { ...process.env, APT_CONFIG: configuration, LC_ALL: "C.UTF-8" };
  // Exit code 100 when it has none of them; names that others only depend on or provide have no entry.
  const { stdout } = await $({ quiet: true, nothrow: true, env })`apt-cache show --no-all-versions ${names}`;
  return new Set([...stdout.matchAll(/^Package: (.+)$/gm)].map(([, name = ""]) => name));
}
