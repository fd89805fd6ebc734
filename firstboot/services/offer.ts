// SPDX-License-Identifier: GPL-3.0-or-later
// Which services can work on this box, and why not the others. Only what can work is offered.

import type { PlaceId, Service } from "../../common/service.ts";
import type { Box } from "../box.ts";
import { readResources } from "../contexts/facts.ts";
import { CONTEXTS } from "../contexts/names.ts";
import { unfit } from "../contexts/plan.ts";
import { readRecord } from "../contexts/record.ts";
import type { ImageInfo } from "../image-info.ts";
import { paths } from "../paths.ts";
import { type NodeAnswers, registers } from "../steps/node/questions.ts";
import type { AllAnswers } from "../steps/step.ts";
import { parseJson } from "../world.ts";

export interface BoxFacts {
  readonly architecture: string;
  readonly memoryMib: number;
  /** Where services can run, the host included. */
  readonly places: readonly PlaceId[];
  readonly hasVpn: boolean;
  readonly isRegistered: boolean;
  readonly hasPool: boolean;
}

export const OFFER_REASONS = ["architecture", "memory", "place", "vpn", "registration", "packages"] as const;
export type OfferReason = (typeof OFFER_REASONS)[number];

export type Offer =
  | { readonly places: readonly [PlaceId, ...PlaceId[]] }
  | { readonly places: readonly []; readonly reason: OfferReason };

/** What the host needs for itself beside a service, in MiB. */
const HOST_MIB = 256;

/** Where the service can run on such a box, best place first; or why nowhere. */
export function offer(service: Service, facts: BoxFacts): Offer {
  const no = (reason: OfferReason): Offer => ({ places: [], reason });
  const { memory_mib: memory = 0, vpn = false, registration = false } = service.needs;
  if (!service.architectures.some((each) => each === facts.architecture)) return no("architecture");
  if (memory > roomMib(facts)) return no("memory");
  if (vpn && !facts.hasVpn) return no("vpn");
  if (registration && !facts.isRegistered) return no("registration");
  if (service.source === "pool" && !facts.hasPool) return no("packages");
  const [best, ...others] = service.where.allowed.filter((place) => facts.places.includes(place));
  return best ? { places: [best, ...others] } : no("place");
}

/** MiB that a box has for services. */
export function roomMib({ memoryMib }: BoxFacts): number {
  return Math.max(0, memoryMib - HOST_MIB);
}

/** `all`: what was answered in this walk; contexts and VPN that are about to be made count. */
export async function boxFacts(box: Box, image: ImageInfo, all: AllAnswers = {}): Promise<BoxFacts> {
  const meminfo = (await box.readFile("/proc/meminfo")) ?? "";
  const registration = parseJson<{ device?: unknown }>((await box.readFile(paths.guifi)) ?? "{}", {});
  return {
    architecture: image.profile.architecture,
    memoryMib: Math.floor(Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024),
    places: ["host", ...(await contexts(box, image, all))],
    hasVpn: all.vpn?.join === true || (await box.exists("/etc/community-box/vpn.json")),
    isRegistered: registers((all.node ?? {}) as Partial<NodeAnswers>) || registration.device !== undefined,
    hasPool: await box.exists(paths.pool),
  };
}

/** Those there are; while the box is being set up, those that are about to be made. */
async function contexts(box: Box, image: ImageInfo, all: AllAnswers): Promise<readonly PlaceId[]> {
  const record = await readRecord(box);
  if (record) return "none" in record ? [] : CONTEXTS;
  if (all.contexts === undefined) return [];
  return unfit(image, await readResources(box)) ? [] : CONTEXTS;
}
