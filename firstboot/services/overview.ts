// SPDX-License-Identifier: GPL-3.0-or-later
// Overview of all services, for `cbox services` and `cbox status`: which are on, where, whether they work and are
// announced, and which could be switched on.

import { imagesByTag } from "../../common/container-image.ts";
import type { Value } from "../../common/json.ts";
import { parseJson } from "../../common/json.ts";
import type { PlaceId, Service } from "../../common/service.ts";
import { SERF_UNIT, serfInfo } from "../discovery/serf.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { isTextKey, type Translate } from "../i18n/translate.ts";
import { isAnnounced } from "./announce.ts";
import { boxFacts, type OfferReason, offer } from "./availability.ts";
import { isUnclaimed } from "./claim.ts";
import { type Copies, copiesOf } from "./copies.ts";
import { everyService } from "./custom-projects.ts";
import { defaultInputs } from "./data.ts";
import { portsOf } from "./engine.ts";
import { faultsOf } from "./health.ts";
import { readLeftOut } from "./left-out.ts";
import { type Port, placeOf } from "./place.ts";
import { numbersOf } from "./ports.ts";
import { isEnabled, type PublishResult } from "./publish.ts";
import { readStates, type ServiceState } from "./state.ts";

export interface ServiceView {
  readonly service: Service;
  readonly state: ServiceState["state"];
  readonly where?: PlaceId;
  /** What is wrong with a service that is on. */
  readonly faults: readonly string[];
  /** For a published service that is on: where it is announced, or why not (`status.reason.`). */
  readonly announced?: { readonly address: string; readonly port: string } | { readonly reason: string };
  /** On, but closed to others until its owner has made its first account. */
  readonly isUnclaimed: boolean;
  /** Serf: known nodes, including this one. */
  readonly members?: number;
  /** For one that keeps files on several boxes: how many accept copies now, and how many are wanted. */
  readonly copies?: Copies;
  /** For one that records them: entries that it could not accept, and why. */
  readonly leftOut?: readonly string[];
  readonly ports: readonly string[];
  /** Where it could run; if empty, `reason` says why. */
  readonly places: readonly PlaceId[];
  readonly reason?: OfferReason;
}

export async function overview(box: Box, image: ImageInfo): Promise<ServiceView[]> {
  const facts = await boxFacts(box, image);
  const states = await readStates(box);
  const result = parseJson<Partial<PublishResult>>((await box.readFile(paths.published)) ?? "{}", {});
  // Only root can access contexts.
  const isRoot = (await box.run("id", ["-u"])).stdout.trim() === "0";
  const mayLook = ({ where }: ServiceState) => where === "host" || isRoot;
  const views: ServiceView[] = [];
  for (const service of await everyService(box)) {
    const state = await stateOf(box, service, states[service.id]);
    const offered = offer(service, facts);
    const isOn = state?.state === "on";
    const data = { community: image.community, inputs: state?.inputs ?? defaultInputs(service) };
    const ports = portsOf(service, data, state).filter(({ closed }) => !closed);
    const copies = isOn && mayLook(state) ? await copiesOf({ box, image }, service, state) : undefined;
    const leftOut =
      isOn && mayLook(state) ? await readLeftOut(placeOf(box, state.where), service) : undefined;
    const members = service.discovery === "community" && isOn ? (await serfInfo(box))?.members : undefined;
    views.push({
      service,
      state: state?.state ?? "off",
      ...(state ? { where: state.where } : {}),
      isUnclaimed: isOn && isUnclaimed(service, state),
      faults: isOn && mayLook(state) ? await faultsOf({ box, image }, service, state) : [],
      ...(isOn && service.publication && isAnnounced(service, state)
        ? { announced: announcementOf(service.publication.type, ports, result) }
        : {}),
      ...(members === undefined ? {} : { members }),
      ...(copies === undefined ? {} : { copies }),
      ...(leftOut === undefined ? {} : { leftOut }),
      ports: ports.map((port) => `${port.protocol}/${numbersOf(port)}`),
      places: offered.places,
      ...("reason" in offered ? { reason: offered.reason } : {}),
    });
  }
  return views;
}

/** Serf is on if its unit is, whatever the stored state says. */
async function stateOf(box: Box, { discovery }: Service, noted: ServiceState | undefined) {
  if (discovery !== "community") return noted;
  if (!(await isEnabled(box, SERF_UNIT))) return noted && { ...noted, state: "off" as const };
  return { where: "host" as const, published: true, inputs: {}, facts: {}, ...noted, state: "on" as const };
}

function announcementOf(
  type: string,
  ports: readonly Port[],
  { published = [], omitted = [], silent = [], refused = [], reason }: Partial<PublishResult>,
): NonNullable<ServiceView["announced"]> {
  // Several services may have the same type, such as Docker.
  const own = published.find(({ s, p }) => s === type && ports.some(({ port }) => p === String(port)));
  if (own) return { address: own.i, port: own.p };
  if (reason) return { reason };
  if (omitted.includes(type)) return { reason: "omitted" };
  if (refused.includes(type)) return { reason: "refused" };
  return { reason: silent.includes(type) ? "silent" : "unknown" };
}

export function isTroubled({ state, faults }: ServiceView): boolean {
  return (state !== "on" && state !== "off") || faults.length > 0;
}

/** "works, announced as 10.1.2.3:5000, 12 nodes in sight". */
export function doing(view: ServiceView, t: Translate): string {
  const { service, state, faults, isUnclaimed, announced, members, copies, leftOut = [] } = view;
  if (state === "off") return t("status.services.off");
  if (state !== "on") return t("status.services.half");
  const parts = [
    faults.length ? t("status.services.trouble", { faults: faults.join(", ") }) : t("status.services.works"),
  ];
  if (isUnclaimed) parts.push(t("status.services.unclaimed", { id: service.id }));
  if (announced && "address" in announced) parts.push(t("status.published", announced));
  if (announced && "reason" in announced) {
    const key = `status.reason.${announced.reason}`;
    parts.push(t("status.not-published", { reason: isTextKey(key) ? t(key) : announced.reason }));
  }
  if (members !== undefined) parts.push(t("status.members", { count: members }));
  if (copies !== undefined) parts.push(t("status.services.copies", { ...copies }));
  if (leftOut.length) parts.push(t("status.services.left-out", { count: leftOut.length }));
  return parts.join(", ");
}

/** For programs. */
export function viewData(view: ServiceView): { readonly [name: string]: Value } {
  const { service, state, where, faults, announced, members, copies, leftOut, ports, places, reason } = view;
  return {
    id: service.id,
    title: service.title.en,
    state,
    where: where ?? null,
    works: state === "on" && faults.length === 0,
    faults,
    announced:
      announced !== undefined && "address" in announced ? `${announced.address}:${announced.port}` : null,
    ...(service.first_account === "visitor" && state === "on" ? { claimed: !view.isUnclaimed } : {}),
    not_announced_because: announced !== undefined && "reason" in announced ? announced.reason : null,
    ...(members === undefined ? {} : { members }),
    ...(copies === undefined ? {} : { copies: { ...copies } }),
    ...(leftOut === undefined ? {} : { left_out: leftOut }),
    ports,
    // The catalogue has no digest of these: they were fetched by tag.
    ...(service.compose ? { images_by_tag: imagesByTag(service) } : {}),
    places,
    not_offered_because: reason ?? null,
  };
}
