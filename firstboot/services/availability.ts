// SPDX-License-Identifier: GPL-3.0-or-later
// Which services can work on this box, and why the others cannot. Only the former are offered.

import { parseJson } from "../../common/json.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { readResources } from "../contexts/facts.ts";
import { CONTEXTS } from "../contexts/names.ts";
import { unfit } from "../contexts/plan.ts";
import { readRecord } from "../contexts/record.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";

export interface BoxFacts {
  readonly architecture: string;
  readonly memoryMib: number;
  /** The processor's features, with the kernel's names. */
  readonly cpuFlags: readonly string[];
  /** Where services can run, including the host. */
  readonly places: readonly PlaceId[];
  readonly hasVpn: boolean;
  readonly isRegistered: boolean;
  readonly hasPool: boolean;
  /** Internet access, as far as it can be known without a request. */
  readonly hasInternet: boolean;
}

export const OFFER_REASONS = [
  "architecture",
  "cpu",
  "memory",
  "place",
  "vpn",
  "registration",
  "packages",
  "internet",
] as const;
export type OfferReason = (typeof OFFER_REASONS)[number];

export type Offer =
  | { readonly places: readonly [PlaceId, ...PlaceId[]] }
  | { readonly places: readonly []; readonly reason: OfferReason };

/** MiB that the host itself needs. */
const HOST_MIB = 256;

/** Where the service can run on such a box, best place first; or the reason why it cannot. */
export function offer(service: Service, facts: BoxFacts): Offer {
  const no = (reason: OfferReason): Offer => ({ places: [], reason });
  const { memory_mib: memory = 0, vpn = false, registration = false, cpu = [] } = service.needs;
  if (!service.architectures.some((each) => each === facts.architecture)) return no("architecture");
  if (cpu.some((flag) => !facts.cpuFlags.includes(flag))) return no("cpu");
  if (memory > roomMib(facts)) return no("memory");
  if (vpn && !facts.hasVpn) return no("vpn");
  if (registration && !facts.isRegistered) return no("registration");
  if (service.source === "pool" && !facts.hasPool) return no("packages");
  if (service.source === "network" && !facts.hasInternet) return no("internet");
  const needed = (service.needs.services ?? []).map((id) => offer(named(id), facts));
  const lacking = needed.find((each) => "reason" in each);
  if (lacking && "reason" in lacking) return lacking;
  const [best, ...others] = service.where.allowed.filter(
    (place) =>
      facts.places.includes(place) && needed.every(({ places }) => places.some((each) => each === place)),
  );
  return best ? { places: [best, ...others] } : no("place");
}

/** MiB available for services. */
export function roomMib({ memoryMib }: BoxFacts): number {
  return Math.max(0, memoryMib - HOST_MIB);
}

/** The build has checked that it exists. */
function named(id: string): Service {
  return catalogue.find((service) => service.id === id) as Service;
}

/** What the running set-up is going to make, which counts as present. */
export interface Planned {
  readonly network?: boolean;
  readonly registration?: boolean;
  readonly vpn?: boolean;
  readonly contexts?: boolean;
}

export async function boxFacts(box: Box, image: ImageInfo, planned: Planned = {}): Promise<BoxFacts> {
  const meminfo = (await box.readFile("/proc/meminfo")) ?? "";
  const cpuinfo = (await box.readFile("/proc/cpuinfo")) ?? "";
  const registration = parseJson<{ device?: unknown }>((await box.readFile(paths.guifi)) ?? "{}", {});
  return {
    architecture: image.profile.architecture,
    memoryMib: Math.floor(Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024),
    cpuFlags: (/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? "").split(" "),
    places: ["host", ...(await contexts(box, image, planned))],
    hasVpn: planned.vpn || (await box.exists("/etc/community-box/vpn.json")),
    isRegistered: planned.registration || registration.device !== undefined,
    hasPool: await box.exists(paths.pool),
    // During the set-up the network may not be up yet.
    hasInternet: planned.network || hasDefaultRoute((await box.readFile("/proc/net/route")) ?? ""),
  };
}

/** From the kernel's table: name, destination, gateway, in hexadecimal. */
function hasDefaultRoute(table: string): boolean {
  return table.split("\n").some((line) => line.split("\t")[1] === "00000000");
}

/** The existing contexts; during the set-up, those that are planned. */
async function contexts(box: Box, image: ImageInfo, planned: Planned): Promise<readonly PlaceId[]> {
  const record = await readRecord(box);
  if (record) return "none" in record ? [] : CONTEXTS;
  if (!planned.contexts) return [];
  return unfit(image, await readResources(box, image)) ? [] : CONTEXTS;
}
