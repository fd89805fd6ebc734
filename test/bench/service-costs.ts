// SPDX-License-Identifier: GPL-3.0-or-later
// Costs of the services: reads the measurements of a box, compares them with each entry, and writes the page.
import type { PlaceId, Service } from "../../common/service.ts";
import type { ServiceCost } from "../../image/services/pool.ts";

const MIB = 1024 * 1024;

export interface ServiceMeasure {
  readonly id: string;
  readonly where: PlaceId;
  /** KiB that it added to the file system of its place. */
  readonly diskKib: number;
  /** Seconds from the command to the start of its first unit: packages, accounts, files. */
  readonly installSeconds: number;
  /** Seconds from there until it was healthy. */
  readonly startSeconds: number;
  /** Bytes, a minute later. */
  readonly memory: number;
}

/** One that could not be measured. */
export interface ServiceTrouble {
  readonly id: string;
  readonly trouble: string;
}

export interface UnitStart {
  readonly unit: string;
  /** Path below /sys/fs/cgroup, from the place's own root. */
  readonly group: string;
  /** Seconds since the box started. */
  readonly started: number;
}

/** Names in the output of `systemctl list-units --plain --no-legend`. */
export function parseUnits(output: string): Set<string> {
  return new Set(
    output
      .split("\n")
      .map((line) => line.trim().split(/\s+/)[0] ?? "")
      .filter(Boolean),
  );
}

/** Of `systemctl show --property=Id,ControlGroup,InactiveExitTimestampMonotonic UNIT...`; those without processes are left out. */
export function parseStarts(output: string): UnitStart[] {
  return output.split(/\n\n+/).flatMap((block) => {
    const of = (property: string) => new RegExp(`^${property}=(.*)$`, "m").exec(block)?.[1] ?? "";
    const group = of("ControlGroup");
    const started = Number(of("InactiveExitTimestampMonotonic")) / 1e6;
    return group ? [{ unit: of("Id"), group, started }] : [];
  });
}

/**
 * Memory that the kernel cannot reclaim: all that is charged, without the file cache and the kernel's caches. Files
 * on tmpfs belong to the file cache and still count. `stat`: memory.stat of a control group. Bytes.
 */
export function heldMemory(current: string, stat: string): number {
  const of = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1] ?? 0);
  return Number(current) - of("file") + of("shmem") - of("slab_reclaimable");
}

/** Does the service take more than its entry states? An entry that states nothing states none. */
export function isTooLow({ needs }: Pick<Service, "needs">, { memory }: ServiceMeasure): boolean {
  return Math.round(memory / MIB) > (needs.memory_mib ?? 0);
}

export interface ServiceCosts {
  readonly date: Date;
  readonly machine: string;
  readonly version: string;
  readonly catalogue: readonly Service[];
  readonly packed: { readonly [service: string]: ServiceCost };
  readonly measures: readonly (ServiceMeasure | ServiceTrouble)[];
}

/** Why a service of the catalogue is not measured; undefined for one that is. */
export function unmeasured({ source, managed }: Pick<Service, "source" | "managed">): string | undefined {
  if (source === "network") return "pulled from the Internet";
  return managed ? undefined : "part of the system, only watched and announced";
}

export function formatServiceCosts(costs: ServiceCosts): string {
  const { date, machine, version, catalogue, packed, measures } = costs;
  const rows = measures.map((measure) => {
    const service = catalogue.find(({ id }) => id === measure.id);
    if ("trouble" in measure || !service) {
      const trouble = "trouble" in measure ? measure.trouble : "not in the catalogue";
      return [`\`${measure.id}\``, ...Array(7).fill("-"), trouble];
    }
    const { memory_mib: stated } = service.needs;
    return [
      `\`${measure.id}\``,
      measure.where,
      `${(measure.diskKib / 1024).toFixed(0)} MiB`,
      inImage(packed[measure.id]),
      `${measure.installSeconds.toFixed(0)} s`,
      `${measure.startSeconds.toFixed(0)} s`,
      `${(measure.memory / MIB).toFixed(0)} MiB`,
      stated === undefined ? "nothing" : `${stated} MiB`,
      isTooLow(service, measure) ? "**says too little**" : "",
    ];
  });
  const others = catalogue.flatMap((service) => {
    const why = unmeasured(service);
    return why ? [`- \`${service.id}\`: ${why}`] : [];
  });
  return [
    "# What each service costs",
    "",
    `Written by \`./cbox bench services\` on ${date.toISOString().slice(0, 10)}: ${machine}; the image vm-amd64 ${version}, 2 GiB of memory. One run.`,
    "",
    "| service | where | on the disk | in the image (of its own) | installed in | works after | memory | entry says | |",
    "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
    "",
    "Each is switched on alone, in the first place its entry allows, one after the other: what an earlier one has installed is",
    "there already and counted with that one. On the disk: what its place takes more, logs left out. In the image: its .deb",
    "files, and those that no other service needs. Installed in: from the command until its first program starts. Works",
    "after: from there until it passes its own check. Memory: of all its units after a minute, without what the kernel can",
    "take back (file cache); the entry's number is `needs.memory_mib`.",
    "",
    "Not measured:",
    "",
    ...others,
    "",
  ].join("\n");
}

function inImage(cost: ServiceCost | undefined): string {
  if (!cost || cost.source === "image") return "installed";
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  return `${mb(cost.bytes)} MB (${mb(cost.own_bytes)})`;
}
