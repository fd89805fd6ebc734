// SPDX-License-Identifier: GPL-3.0-or-later
// How the box is divided into host, owner and community. Pure arithmetic: what goes in decides what comes out, the
// parts never exceed the whole, and the host always keeps enough to be a box.

import type { ImageInfo } from "../host/image-info.ts";

/** The parts of the box that can be divided. Sizes in MiB. */
export interface Resources {
  readonly memoryMib: number;
  readonly cpus: number;
  /** Of the data partition. */
  readonly diskMib: number;
  readonly processes: number;
}

/** What a context, or an instance in it, may use at most. */
export interface Limits extends Resources {
  /** Containers and virtual machines, the context's own one included. */
  readonly instances: number;
}

/** What an instance gets when nobody says. */
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

/** Of what the host does not keep. */
const PARTS: Readonly<Record<Share, number>> = { little: 0.25, half: 0.5, most: 0.75 };

/** Below this a box has no contexts: Incus alone takes 70 MiB, each container 17 and what runs in it. */
const NEEDED_MEMORY_MIB = 900;
/** The reserve and a context that can hold more than the template, twice. */
const NEEDED_DISK_MIB = 1536;

const HOST_MEMORY_PART = 0.25;
const HOST_MEMORY_MIB = 320;
/** In the pool of each context beside its share: the template, and what btrfs needs to keep its own books. */
export const POOL_BOOKS_MIB = 250;
const HOST_DISK_MIB = 2 * POOL_BOOKS_MIB;
const HOST_PROCESSES_PART = 0.25;

/** The least a context can start with. */
export const LEAST: Limits = { memoryMib: 128, cpus: 1, diskMib: 512, processes: 200, instances: 1 };
const MOST_PROCESSES = 16_384;
const MIB_PER_INSTANCE = 96;
const MOST_INSTANCES = 32;

/** Why a box has no contexts: it is a container itself, its Debian has no Incus, or there is too little to divide. */
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

/** The division of a box that is fit for contexts. Exact numbers beyond {@link bounds} are brought back into them. */
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

/** The least and the most that the community may be given of each, on a box that is fit for contexts. */
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
 * The processors of the community, for Incus: the last ones, so that the first is the host's and the owner's alone
 * wherever there is more than one. A single one is written as a range, else it would be taken for a number of them.
 */
export function cpuSet(box: Pick<Resources, "cpus">, cpus: number): string {
  return `${Math.max(0, box.cpus - cpus)}-${box.cpus - 1}`;
}

/** Percent of the processors that are the community's when everybody wants them at once. */
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
