// SPDX-License-Identifier: GPL-3.0-or-later
// Removes this box from the community's site: its services, its address and its device. Each is looked up on the
// node's page first, so that this can be repeated after any interruption.

import { Failure, fail } from "../../common/fail.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import { type ApiAnswer, failWith } from "./api.ts";
import { addressOf, type Device, type NodePage, readNode } from "./cnml.ts";
import { BOX_TYPE, change, type Session } from "./registration.ts";
import { type Registration, readRegistration, remember } from "./store.ts";

/** A device of this box at the site; there are two when the box has moved to another node. */
export interface Place {
  readonly node: { readonly id: number; readonly name: string };
  readonly device: { readonly id: number; readonly name: string; readonly address?: string };
}

/** The box's devices at the site, according to its own record. */
export function placesOf({ node, device, former }: Registration): Place[] {
  return [...(node && device ? [{ node, device }] : []), ...(former ? [former] : [])];
}

/**
 * Removes the box from the site, and then from its own record. Consent and member stay on record. Fails with
 * `device-still-shown`, and as the API; what was not removed stays on record.
 */
export async function leaveNode(session: Session, removing: (place: Place) => void): Promise<void> {
  const { box } = session;
  for (const place of placesOf(await readRegistration(box))) {
    removing(place);
    await removeDevice(session, place);
  }
  await remember(box, { node: undefined, device: undefined, former: undefined, services: undefined });
}

async function removeDevice(session: Session, place: Place): Promise<void> {
  const own = await look(session, place);
  if (!own) return;
  // The site would keep the services of a removed device, with their names in use.
  for (const { id } of own.services) await done(session, place, "guifi.service.remove", { service_id: id });
  // One address per call; there are two after an interrupted registration.
  for (const _ of own.interfaces.filter(({ ipv4 }) => ipv4 !== undefined)) {
    const now = await look(session, place);
    if (now && addressOf(now)) await done(session, place, "guifi.cloudy.unlink", { cloudy_id: own.id });
  }
  await done(session, place, "guifi.device.remove", { device_id: own.id });
  if (!(await look(session, place))) return;
  fail({
    code: "device-still-shown",
    ...errorText("error.device-still-shown", { node: place.node.name, device: place.device.name }),
    ...sayFound("found.device", { id: place.device.id }),
  });
}

/** The node's page decides: an unreadable reply is not a failure if the page does not show the item any more. */
async function done(
  session: Session,
  place: Place,
  command: string,
  params: { readonly [name: string]: number },
): Promise<void> {
  const answer: ApiAnswer | Failure = await change(session, command, params);
  if (!(answer instanceof Failure)) return answer.isDone ? undefined : failWith(answer.errors);
  const own = await look(session, place).catch(() => {
    throw answer;
  });
  const isLeft =
    own &&
    (command === "guifi.device.remove" ||
      (command === "guifi.cloudy.unlink" && addressOf(own) !== undefined) ||
      own.services.some(({ id }) => id === params.service_id));
  if (isLeft) throw answer;
}

/** This box's device on a fresh page; undefined if it or its node is gone, or the number is another type's. */
async function look({ box, image, api }: Session, { node, device }: Place): Promise<Device | undefined> {
  await api.call("guifi.cnml.clear");
  const page: NodePage | undefined = await readNode(box, image, node.id);
  return page?.devices.find(({ id, type }) => id === device.id && type === BOX_TYPE);
}
