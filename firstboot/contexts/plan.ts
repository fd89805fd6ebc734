// SPDX-License-Identifier: GPL-3.0-or-later
// Divides the box into host, owner and community. Pure arithmetic: the parts never exceed the total, and the host
// always keeps enough to work.

import type { ImageInfo } from "../host/image-info.ts";

/** The resources of the box that can be divided. Sizes in MiB. */
export interface Resources {
  readonly memoryMib: number;
  readonly cpus: number;
  /** Of the data partition. */
  readonly diskMib: number;
  readonly processes: number;
}

/** The limits of a context, or of an instance in it. */
export interface Limits extends Resources {
  /** Containers and virtual machines, including the context's own container. */
  readonly instances: number;
}

/** The default for an instance. */
export const LEAST_INSTANCE: Omit<Limits, "cpus" | "instances"> = {
  memoryMib: 128,
  diskMib: 1024,
  processes: 200,
};

export interface Plan {
  readonly host: Resources;
  readonly owner: Limits;
  readonly community: Limits;
}

export type Share = "little" | "half" | "most";

export interface Exact {
  readonly memory_mib?: number | undefined;
  readonly cpus?: number | undefined;
  readonly disk_gib?: number | undefined;
  readonly processes?: number | undefined;
  readonly instances?: number | undefined;
}

export interface ContextsChoice extends Exact {
  readonly share?: Share | "exact" | undefined;
}

/** Parts of what the host does not reserve. */
const PARTS: Readonly<Record<Share, number>> = { little: 0.25, half: 0.5, most: 0.75 };

/** With less, a box has no contexts: Incus alone takes 70 MiB, each container 17 and its programs. */
const NEEDED_MEMORY_MIB = 900;
/** The reserve, and twice a context that can hold more than the template. */
const NEEDED_DISK_MIB = 1536;

const HOST_MEMORY_PART = 0.25;
const HOST_MEMORY_MIB = 320;
/** Extra space in each pool beside the context's share: for the template, and for btrfs metadata. */
export const POOL_BOOKS_MIB = 250;
const HOST_DISK_MIB = 2 * POOL_BOOKS_MIB;
const HOST_PROCESSES_PART = 0.25;

/** The minimum with which a context can start. */
export const LEAST: Limits = { memoryMib: 128, cpus: 1, diskMib: 512, processes: 200, instances: 1 };
const MOST_PROCESSES = 16_384;
const MIB_PER_INSTANCE = 96;
const MOST_INSTANCES = 32;

/** Why a box has no contexts: it is a container, its Debian has no Incus, or it has too little memory or disk. */
export type NoContexts = "container" | "engine" | "memory" | "disk";

/** Why this box has no contexts; undefined when it can have them. */
export function unfit(
  { contexts: engine, container }: Pick<ImageInfo, "contexts" | "container">,
  { memoryMib, diskMib }: Resources,
): NoContexts | undefined {
  if (container) return "container";
  if (engine === "none") return "engine";
  if (memoryMib < NEEDED_MEMORY_MIB) return "memory";
  return diskMib < NEEDED_DISK_MIB ? "disk" : undefined;
}

/** The division of a box that can have contexts. Exact amounts beyond {@link bounds} are limited to them. */
export function planContexts(box: Resources, choice: ContextsChoice): Plan {
  const host = hostKeeps(box);
  const free = shared(box, host);
  const community =
    choice.share === "exact" ? exactly(box, choice) : part(box, free, PARTS[choice.share ?? "half"]);
  const rest = {
    memoryMib: free.memoryMib - community.memoryMib,
    cpus: box.cpus,
    diskMib: free.diskMib - community.diskMib,
    processes: Math.min(MOST_PROCESSES, free.processes - community.processes),
  };
  return { host, owner: { ...rest, instances: instancesFor(rest.memoryMib) }, community };
}

export type Amount = keyof Limits;

/** The minimum and maximum of each resource for the community, on a box that can have contexts. */
export function bounds(
  box: Resources,
): Readonly<Record<Amount, { readonly least: number; readonly most: number }>> {
  const free = shared(box, hostKeeps(box));
  const between = (amount: Exclude<Amount, "cpus" | "instances">) => ({
    least: LEAST[amount],
    most: free[amount] - LEAST[amount],
  });
  return {
    memoryMib: between("memoryMib"),
    cpus: { least: 1, most: box.cpus },
    diskMib: between("diskMib"),
    processes: { least: LEAST.processes, most: Math.min(MOST_PROCESSES, free.processes - LEAST.processes) },
    instances: { least: 1, most: MOST_INSTANCES },
  };
}

/**
 * The community's processors, for Incus: the last ones, so that the first one is left to host and owner if there are
 * several. A single one is written as a range, else Incus would read it as a count.
 */
export function cpuSet(box: Pick<Resources, "cpus">, cpus: number): string {
  return `${Math.max(0, box.cpus - cpus)}-${box.cpus - 1}`;
}

/** The community's percentage of the processors when all are busy. */
export function cpuPercent(box: Pick<Resources, "cpus">, choice: ContextsChoice, cpus: number): number {
  const share = choice.share ?? "half";
  return share === "exact" ? Math.min(90, Math.round((cpus / box.cpus) * 100)) : PARTS[share] * 100;
}

function hostKeeps(box: Resources): Resources {
  return {
    memoryMib: Math.max(Math.ceil(box.memoryMib * HOST_MEMORY_PART), HOST_MEMORY_MIB),
    cpus: box.cpus,
    diskMib: HOST_DISK_MIB,
    processes: Math.ceil(box.processes * HOST_PROCESSES_PART),
  };
}

function shared(box: Resources, host: Resources): Resources {
  return {
    memoryMib: box.memoryMib - host.memoryMib,
    cpus: box.cpus,
    diskMib: box.diskMib - host.diskMib,
    processes: box.processes - host.processes,
  };
}

function part(box: Resources, free: Resources, fraction: number): Limits {
  const { memoryMib, diskMib, processes } = bounds(box);
  const memory = within(Math.floor(free.memoryMib * fraction), memoryMib);
  return {
    memoryMib: memory,
    cpus: Math.max(1, Math.floor(box.cpus * fraction)),
    diskMib: within(Math.floor(free.diskMib * fraction), diskMib),
    processes: within(Math.floor(free.processes * fraction), processes),
    instances: instancesFor(memory),
  };
}

function exactly(box: Resources, { memory_mib, cpus, disk_gib, processes, instances }: Exact): Limits {
  const limits = bounds(box);
  const half = part(box, shared(box, hostKeeps(box)), PARTS.half);
  const memory = within(memory_mib ?? half.memoryMib, limits.memoryMib);
  return {
    memoryMib: memory,
    cpus: within(cpus ?? half.cpus, limits.cpus),
    diskMib: within(disk_gib === undefined ? half.diskMib : disk_gib * 1024, limits.diskMib),
    processes: within(processes ?? half.processes, limits.processes),
    instances: within(instances ?? instancesFor(memory), limits.instances),
  };
}

function within(wanted: number, { least, most }: { least: number; most: number }): number {
  return Math.max(least, Math.min(wanted, most));
}

function instancesFor(memoryMib: number): number {
  return within(Math.floor(memoryMib / MIB_PER_INSTANCE), { least: 2, most: MOST_INSTANCES });
}
