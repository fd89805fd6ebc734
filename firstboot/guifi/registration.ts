// SPDX-License-Identifier: GPL-3.0-or-later
// Registers the box at a node: one device, however often and wherever this is interrupted. The site is asked what it
// has before anything is added to it; a device of this box is known by its MAC address.

import { fail } from "../../common/fail.ts";
import type { Box } from "../box.ts";
import type { ImageInfo } from "../image-info.ts";
import { API, type ApiError, failWith, type GuifiApi, idOf, invalid } from "./api.ts";
import { addressOf, type Device, type Interface, type NodePage, parseMac, readNode } from "./cnml.ts";
import { withSuffix } from "./names.ts";

/** What the community calls a box, in its table of device types. */
export const BOX_TYPE = "cloudy";
/** A new device is on trial; its owner sets it to "Working" at the site. */
const NEW_STATUS = "Testing";
/** Names with a number that are tried when the one wanted is taken: `-2` to this. */
const LAST_NUMBER = 50;

export interface Session {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly api: GuifiApi;
}

export interface WantedDevice {
  readonly node: number;
  readonly name: string;
  /** Undefined on a box without any network interface. */
  readonly mac: string | undefined;
  /** E-mail addresses, separated by commas; none: that of the account. */
  readonly notification?: string | undefined;
  readonly notes?: string | undefined;
  /** The device that an earlier run recorded. */
  readonly recorded?: number | undefined;
}

export interface RegisteredDevice {
  readonly id: number;
  readonly name: string;
}

/** The node as the site knows it now. Fails with `node-unknown`. */
export async function freshNode({ box, image, api }: Session, id: number): Promise<NodePage> {
  // The site keeps old pages for a while.
  await api.call("guifi.cnml.clear");
  const page = await readNode(box, image, id);
  if (page) return page;
  return fail({
    code: "node-unknown",
    what: `There is no node with the number ${id}.`,
    hint: "Look up its number on the community's map.",
  });
}

/** Finds or adds the device of this box. `page`: fresh. */
export async function registerDevice(
  session: Session,
  page: NodePage,
  wanted: WantedDevice,
): Promise<RegisteredDevice> {
  const own = findOwn(page, wanted);
  for (const name of namesLike(wanted.name)) {
    const isTaken = own ? !(await rename(session, own, name, wanted)) : false;
    if (own && !isTaken) return { id: own.id, name };
    const added = own ? undefined : await claimOrAdd(session, page, name, wanted);
    if (added !== undefined) return { id: added, name };
  }
  return fail({
    code: "device-name-taken",
    what: `The device name "${wanted.name}" and all like it with a number are taken.`,
    hint: "Choose another name for the device.",
  });
}

/** A box of this very hardware, or the one that an earlier run made. */
export function findOwn({ devices }: NodePage, { recorded, mac }: WantedDevice): Device | undefined {
  const boxes = devices.filter(({ type }) => type === BOX_TYPE);
  return (
    boxes.find(({ id }) => id === recorded) ??
    boxes.find((device) => mac !== undefined && macsOf(device).includes(mac))
  );
}

/** The site shows the MAC address of a device only once it has an address: until then its comment has to tell. */
function macsOf({ interfaces, comment }: Device): string[] {
  const inComment = comment.match(/[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}/g) ?? [];
  return [...interfaces.map(({ mac }) => mac), ...inComment.map(parseMac)].filter((mac) => mac !== undefined);
}

export function commentOf({ mac, notes }: WantedDevice): string {
  return [notes, mac ? `[${mac}]` : "Community Box"].filter(Boolean).join(" ");
}

/** True when the device has the name now, and whatever else was wanted; false when the name is taken. */
async function rename({ api }: Session, own: Device, name: string, wanted: WantedDevice): Promise<boolean> {
  const params = { device_id: own.id, ...detailsOf(wanted) };
  const isNew = own.title.toLowerCase() !== name.toLowerCase();
  const answer = await api.try("guifi.device.update", isNew ? { ...params, nick: name } : params);
  if (answer.isDone) return true;
  return isNew && isNameTaken(answer.errors) ? false : failWith(answer.errors);
}

/** Undefined when the name is taken by something that is not ours. */
async function claimOrAdd(
  session: Session,
  page: NodePage,
  name: string,
  wanted: WantedDevice,
): Promise<number | undefined> {
  const { api } = session;
  const namesake = page.devices.find(({ title }) => title.toLowerCase() === name.toLowerCase());
  if (namesake) return (await claim(session, namesake, wanted)) ? namesake.id : undefined;
  const answer = await api.try("guifi.device.add", {
    node_id: page.id,
    type: BOX_TYPE,
    nick: name,
    status: NEW_STATUS,
    ...detailsOf(wanted),
  });
  if (answer.isDone) return idOf(answer.responses.device_id) ?? invalid("no number of the new device");
  return isNameTaken(answer.errors) ? undefined : failWith(answer.errors);
}

/**
 * A box of this name that says nothing of its hardware: registered by other software, or by us before the site showed
 * comments. It is ours when its member says so, that is when the site lets this member change it.
 */
async function claim({ api }: Session, device: Device, wanted: WantedDevice): Promise<boolean> {
  if (device.type !== BOX_TYPE || macsOf(device).length > 0) return false;
  const answer = await api.try("guifi.device.update", { device_id: device.id, ...detailsOf(wanted) });
  if (answer.isDone) return true;
  return answer.errors.some(({ code }) => code === API.forbidden) ? false : failWith(answer.errors);
}

function detailsOf(wanted: WantedDevice) {
  const { mac, notification } = wanted;
  return {
    ...(mac ? { mac } : {}),
    ...(notification ? { notification } : {}),
    comment: commentOf(wanted),
  };
}

function isNameTaken(errors: readonly ApiError[]): boolean {
  return errors.some(({ code, text }) => code === API.rejected && /already in use/i.test(text));
}

function* namesLike(name: string): Generator<string> {
  yield name;
  for (let number = 2; number <= LAST_NUMBER; number++) yield withSuffix(name, `-${number}`);
}

/** Why there is no address: nothing gives one, or whoever could was not allowed to. */
export type Linked = { readonly address: Interface } | { readonly reason: "no-giver" | "not-wanted" };

/**
 * Gets the device an address in the subnet of another device of the node, unless it has one. `from`: "auto", "none", or
 * the number of a device. `page`: fresh.
 */
export async function linkAddress(
  session: Session,
  page: NodePage,
  device: RegisteredDevice,
  from: string,
  asking: (giver: string) => void,
): Promise<Linked> {
  const ownOn = (node: NodePage) => node.devices.find(({ id }) => id === device.id);
  const own = ownOn(page);
  const before = own && addressOf(own);
  if (before) return { address: before };
  if (from === "none") return { reason: "not-wanted" };
  const isChosen = from !== "auto";
  for (const giver of isChosen ? [named(page, Number(from))] : givers(page, device.id)) {
    // A full subnet makes a link without an address: asked again, it would make one more.
    const wasFull = own?.interfaces.some(({ linked }) => linked.includes(giver.id)) ?? false;
    if (!wasFull) {
      asking(giver.title);
      const answer = await session.api.try("guifi.cloudy.addlink", {
        device_id: giver.id,
        cloudy_id: device.id,
      });
      // Somebody else's device: another one may do. But who chose this one wants to know.
      if (!answer.isDone && isChosen) failWith(answer.errors);
      const now = answer.isDone ? ownOn(await freshNode(session, page.id)) : undefined;
      const address = now && addressOf(now);
      if (address) return { address };
    }
    if (isChosen) return full(giver);
  }
  return { reason: "no-giver" };
}

function full({ title }: Device): never {
  return fail({
    code: "giver-full",
    what: `The device ${title} has no address left to give.`,
    hint: "Choose another device for the address, or none.",
  });
}

/** Devices whose subnet a box can be in, other boxes last. */
export function givers({ devices }: NodePage, own?: number): Device[] {
  const able = devices.filter((device) => device.id !== own && addressOf(device));
  const isBox = ({ type }: Device) => Number(type === BOX_TYPE);
  return able.sort((a, b) => isBox(a) - isBox(b));
}

function named(page: NodePage, id: number): Device {
  const device = givers(page).find((each) => each.id === id);
  if (device) return device;
  return fail({
    code: "giver-unknown",
    what: `The node ${page.title} has no device ${id} with an address.`,
    found: `those that have one: ${
      givers(page)
        .map(({ id, title }) => `${title} (${id})`)
        .join(", ") || "none"
    }`,
    hint: "Choose another device for the address, or none.",
  });
}
