// SPDX-License-Identifier: GPL-3.0-or-later
// The .deb files of services that are not installed in every image: a small Debian repository inside the image, so that
// a service can be switched on without a network, on the host or in a context.
import { chmod, lchown, lutimes, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlaceId, Service } from "../common/service.ts";
import { type PackagePin, pinsOf, type SetRequests } from "./debian/lock.ts";
import type { Packages } from "./debian/packages.ts";

/** Names of the package sets in the lock file: what services add on the host, and in a context. */
export const SERVICES_SETS = { host: "services:host", context: "services:context" } as const;
/** Place in the image and, mounted, in contexts; firstboot/paths.ts says the same. */
export const POOL_DIRECTORY = "usr/share/community-box/pool";

/** By set: the packages that are installed with the services that may run there. `context`: where there are some. */
export function servicesRequests(
  catalogue: readonly Service[],
  architecture: string,
  present: { readonly host: readonly string[]; readonly context?: readonly string[] },
): SetRequests {
  const wanted = (places: readonly PlaceId[]) =>
    catalogue
      .filter(
        ({ source, architectures }) =>
          source === "pool" && architectures.some((each) => each === architecture),
      )
      .filter(({ where }) => where.allowed.some((place) => places.includes(place)))
      .flatMap(({ packages }) => packages)
      .sort();
  const request = (before: readonly string[], added: readonly string[]) => [
    ...new Set([...before, ...added]),
  ];
  return {
    [SERVICES_SETS.host]: request(present.host, wanted(["host"])),
    ...(present.context
      ? { [SERVICES_SETS.context]: request(present.context, wanted(["owner", "community"])) }
      : {}),
  };
}

/** What has to be in the image: all that the host or a context lacks. `host`, `context`: the sets they have. */
export function poolPins({ lock }: Pick<Packages, "lock">, host: string, context: string): PackagePin[] {
  const missing = (wanted: string, present: string) => {
    const there = new Set(lock.sets[present]?.packages ?? []);
    return pinsOf(lock, wanted).filter(({ name }) => !there.has(name));
  };
  const both = [...missing(SERVICES_SETS.host, host), ...missing(SERVICES_SETS.context, context)];
  return [...new Map(both.map((pin) => [pin.name, pin])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
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
