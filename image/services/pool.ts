// SPDX-License-Identifier: GPL-3.0-or-later
// The .deb files of services that are not installed in every image: a small Debian repository inside the image, so
// that a service can be switched on without a network, on the host or in a context. A profile may want it otherwise:
// the software of a service installed, or left to the network.
import { chmod, lchown, lutimes, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PlaceId, Service } from "../../common/service.ts";
import { type PackagePin, pinsOf, type SetRequests } from "../debian/lock.ts";
import type { Packages } from "../debian/packages.ts";

/** Names of the package sets in the lock file: what services add on the host, and in a context. */
export const SERVICES_SETS = { host: "services:host", context: "services:context" } as const;
/** Place in the image and, mounted, in contexts; firstboot/host/paths.ts says the same. */
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

/** What could be in the image: all that the host or a context lacks. `host`, `context`: the sets they have. */
export function poolPins({ lock }: Pick<Packages, "lock">, host: string, context: string): PackagePin[] {
  const missing = (wanted: string, present: string) => {
    const there = new Set(lock.sets[present]?.packages ?? []);
    return pinsOf(lock, wanted).filter(({ name }) => !there.has(name));
  };
  const both = [...missing(SERVICES_SETS.host, host), ...missing(SERVICES_SETS.context, context)];
  return [...new Map(both.map((pin) => [pin.name, pin])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What a service costs in the image, in bytes of .deb files. */
export interface ServiceCost {
  readonly source: Service["source"];
  /** Its packages with all that they need and is not there anyway; several services may need the same. */
  readonly bytes: number;
  /** Of these, what no other service needs: what the image saves without it. */
  readonly own_bytes: number;
}

export interface PoolPlan {
  readonly pins: readonly PackagePin[];
  readonly costs: { readonly [service: string]: ServiceCost };
}

/** What of `possible` goes into this image, and what each service of it costs. `catalogue`: as the profile has it. */
export async function planPool(
  packages: Pick<Packages, "control">,
  possible: readonly PackagePin[],
  catalogue: readonly Service[],
  architecture: string,
): Promise<PoolPlan> {
  const known = new Map<string, PackagePin>();
  const needs = new Map<string, readonly string[]>();
  for (const pin of possible) {
    const control = await packages.control(pin);
    known.set(pin.name, pin);
    needs.set(pin.name, dependenciesOf(control));
    for (const name of fieldOf(control, "Provides").flatMap(namesOf))
      if (!known.has(name)) known.set(name, pin);
  }
  const closure = (names: readonly string[]): Set<string> => {
    const found = new Set<string>();
    const waiting = [...names];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const pin = known.get(name);
      if (!pin || found.has(pin.name)) continue;
      found.add(pin.name);
      waiting.push(...(needs.get(pin.name) ?? []));
    }
    return found;
  };
  const here = catalogue.filter(({ architectures }) => architectures.some((each) => each === architecture));
  const all = new Map(here.map((service) => [service, closure(service.packages)]));
  const isWanted = ({ source }: Service) => source !== "network";
  const wanted = new Set([...all].flatMap(([service, names]) => (isWanted(service) ? [...names] : [])));
  // Left out: what only services of the network need. Whatever else is in the sets has its reason.
  const unwanted = new Set([...all].flatMap(([service, names]) => (isWanted(service) ? [] : [...names])));
  const sum = (names: Iterable<string>) =>
    [...names].reduce((bytes, name) => bytes + (known.get(name)?.size ?? 0), 0);
  const costs = [...all].map(([service, names]): [string, ServiceCost] => {
    const others = new Set(
      [...all].flatMap(([other, theirs]) => (other !== service && isWanted(other) ? [...theirs] : [])),
    );
    const isApplicable = isWanted(service);
    return [
      service.id,
      {
        source: service.source,
        bytes: isApplicable ? sum(names) : 0,
        own_bytes: isApplicable ? sum([...names].filter((name) => !others.has(name))) : 0,
      },
    ];
  });
  return {
    pins: possible.filter(({ name }) => wanted.has(name) || !unwanted.has(name)),
    costs: Object.fromEntries(costs.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function dependenciesOf(control: string): string[] {
  return [...fieldOf(control, "Depends"), ...fieldOf(control, "Pre-Depends")].flatMap(namesOf);
}

/** The parts of a field between its commas. */
function fieldOf(control: string, name: string): string[] {
  const value = new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, "m").exec(control)?.[1] ?? "";
  return value.split(",").map((part) => part.trim());
}

/** "exim4 (>= 4.9) | mail-transport-agent" -> both names: whichever of them the set has. */
function namesOf(part: string): string[] {
  return part.split("|").flatMap((each) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(each)?.[1] ?? []);
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
