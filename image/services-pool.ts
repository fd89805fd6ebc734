// SPDX-License-Identifier: GPL-3.0-or-later
// The .deb files of services that are not installed in every image: a small Debian repository inside the image, so that
// a service can be switched on without a network, on the host or in a context.
import { chmod, lchown, lutimes, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Service } from "../common/service.ts";
import { type PackagePin, pinsOf } from "./debian/lock.ts";
import { ESSENTIAL, type Packages } from "./debian/packages.ts";

/** Name of the package set in the lock file: a context's own packages, and all that services add. */
export const SERVICES_SET = "services";
/** Place in the image and, mounted, in contexts; firstboot/paths.ts says the same. */
export const POOL_DIRECTORY = "usr/share/community-box/pool";

/** `context`: what the template of contexts asks for; the smallest system services are installed in. */
export function servicesRequest(
  catalogue: readonly Service[],
  architecture: string,
  context: readonly string[] = ESSENTIAL,
): string[] {
  const wanted = catalogue
    .filter(({ source, architectures }) => source === "pool" && architectures.some((each) => each === architecture))
    .flatMap(({ packages }) => packages);
  return [...new Set([...context, ...[...wanted].sort()])];
}

/** What is missing on the host or in a context; what both have is not needed. */
export function poolPins({ lock }: Packages, host: string, context: string): PackagePin[] {
  const [onHost, inContext] = [host, context].map((set) => new Set(lock.sets[set]?.packages ?? []));
  return pinsOf(lock, SERVICES_SET).filter(({ name }) => !onHost?.has(name) || !inContext?.has(name));
}

/** Lays the repository out below `root`, the same bytes, names, rights and times each time. */
export async function layOutPool(
  packages: Packages,
  pins: readonly PackagePin[],
  root: string,
  epoch: number,
): Promise<void> {
  const top = join(root, POOL_DIRECTORY);
  await packages.layOut(pins, top);
  const source = `deb [trusted=yes] file:/${POOL_DIRECTORY} ${packages.lock.release} main\n`;
  await writeFile(join(top, "pool.list"), source);
  for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    await chmod(path, entry.isDirectory() ? 0o755 : 0o644);
    await lchown(path, 0, 0);
  }
  for (const entry of await readdir(top, { recursive: true })) await lutimes(join(top, entry), epoch, epoch);
  await lutimes(top, epoch, epoch);
}
