// SPDX-License-Identifier: GPL-3.0-or-later
// Registers the box at a node: one device, however often and wherever this is interrupted. The site is asked what it
// has before anything is added to it; a device of this box is known by its MAC address.

import { Failure, fail } from "../../common/fail.ts";
import type { Box } from "../host/box.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { API, type ApiAnswer, type ApiError, failWith, type GuifiApi, type Params } from "./api.ts";
import {
  addressOf,
  cableAddressOf,
  type Device,
  type Interface,
  type NodePage,
  parseMac,
  readNode,
} from "./cnml.ts";
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

/** What the site answered to a call that changes something; a Failure when that cannot be read, but may be done. */
export async function change(
  { api }: Session,
  command: string,
  params: Params,
): Promise<ApiAnswer | Failure> {
  try {
    return await api.try(command, params);
  } catch (error) {
    if (error instanceof Failure && ["api-reply-invalid", "api-unavailable"].includes(error.code))
      return error;
    throw error;
  }
}

/** The node's page after a call whose answer could not be read; when there is none, either, that answer is the failure. */
export async function pageAfter(session: Session, node: number, failure: Failure): Promise<NodePage> {
  return freshNode(session, node).catch(() => {
    throw failure;
  });
}

/**
 * Finds or adds the device of this box. `page`: fresh. What is returned stands on the node's page: the site answers that
 * all is well, with a number, when its database has refused the device. Fails with `device-not-shown`, and as the API.
 */
export async function registerDevice(
  session: Session,
  page: NodePage,
  wanted: WantedDevice,
): Promise<RegisteredDevice> {
  const own = findOwn(page, wanted);
  for (const name of namesLike(wanted.name)) {
    const id = own
      ? await rename(session, page, own, name, wanted)
      : await claimOrAdd(session, page, name, wanted);
    if (id !== undefined) return { id, name };
  }
  return fail({
    code: "device-name-taken",
    what: `The device name "${wanted.name}" and all like it with a number are taken.`,
    hint: "Choose another name for the device.",
  });
}

/** The device as the page shows it after a change. `failure`: of an answer that could not be read. */
async function shown(
  session: Session,
  before: NodePage,
  name: string,
  isIt: (device: Device) => boolean,
  failure?: Failure,
): Promise<number> {
  const page = failure ? await pageAfter(session, before.id, failure) : await freshNode(session, before.id);
  const device = page.devices.find(isIt);
  if (device) return device.id;
  if (failure) throw failure;
  return fail({
    code: "device-not-shown",
    what: `The web site says that it has the device "${name}", but the page of the node ${page.title} does not show it.`,
    ...saidOr(page.devices.map(({ title }) => title).join(", "), "found.other-devices", { count: 0 }),
    hint: "Try again; if it stays so, choose another name for the device.",
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

/** Its number once the device has the name, and whatever else was wanted; undefined when the name is taken. */
async function rename(
  session: Session,
  page: NodePage,
  own: Device,
  name: string,
  wanted: WantedDevice,
): Promise<number | undefined> {
  const params = { device_id: own.id, ...detailsOf(wanted) };
  const isNew = !isNamed(own, name);
  const answer = await change(session, "guifi.device.update", isNew ? { ...params, nick: name } : params);
  const isIt = (device: Device) => device.id === own.id && isNamed(device, name);
  if (answer instanceof Failure) {
    const isChanged = (device: Device) => isIt(device) && device.comment === commentOf(wanted);
    return shown(session, page, name, isChanged, answer);
  }
  if (answer.isDone) return shown(session, page, name, isIt);
  return isNew && isNameTaken(answer.errors) ? undefined : failWith(answer.errors);
}

/** Undefined when the name is taken by something that is not ours. */
async function claimOrAdd(
  session: Session,
  page: NodePage,
  name: string,
  wanted: WantedDevice,
): Promise<number | undefined> {
  const namesake = page.devices.find((device) => isNamed(device, name));
  if (namesake) return claim(session, page, namesake, wanted);
  const answer = await change(session, "guifi.device.add", {
    node_id: page.id,
    type: BOX_TYPE,
    nick: name,
    status: NEW_STATUS,
    ...detailsOf(wanted),
  });
  const isIt = (device: Device) => {
    const macs = macsOf(device);
    const isOwn = wanted.mac === undefined || macs.length === 0 || macs.includes(wanted.mac);
    return device.type === BOX_TYPE && isNamed(device, name) && isOwn;
  };
  if (answer instanceof Failure) return shown(session, page, name, isIt, answer);
  if (answer.isDone) return shown(session, page, name, isIt);
  return isNameTaken(answer.errors) ? undefined : failWith(answer.errors);
}

/**
 * A box of this name that says nothing of its hardware: registered by other software, or by us before the site showed
 * comments. It is ours when its member says so, that is when the site lets this member change it.
 */
async function claim(
  session: Session,
  page: NodePage,
  device: Device,
  wanted: WantedDevice,
): Promise<number | undefined> {
  if (device.type !== BOX_TYPE || macsOf(device).length > 0) return undefined;
  const params = { device_id: device.id, ...detailsOf(wanted) };
  const answer = await change(session, "guifi.device.update", params);
  if (answer instanceof Failure) {
    const isChanged = ({ id, comment }: Device) => id === device.id && comment === commentOf(wanted);
    return shown(session, page, device.title, isChanged, answer);
  }
  if (answer.isDone) return device.id;
  return answer.errors.some(({ code }) => code === API.forbidden) ? undefined : failWith(answer.errors);
}

const isNamed = ({ title }: Device, name: string) => title.toLowerCase() === name.toLowerCase();

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
      const answer = await change(session, "guifi.cloudy.addlink", {
        device_id: giver.id,
        cloudy_id: device.id,
      });
      const address = await addressAfter(session, page, device, answer);
      if (address) return { address };
      // Somebody else's device: another one may do. But who chose this one wants to know.
      if (isChosen && !(answer instanceof Failure) && !answer.isDone) failWith(answer.errors);
    }
    if (isChosen) return full(giver);
  }
  return { reason: "no-giver" };
}

/** What the page shows of the box after it was asked for an address; undefined when it has none. */
async function addressAfter(
  session: Session,
  before: NodePage,
  { id }: RegisteredDevice,
  answer: ApiAnswer | Failure,
): Promise<Interface | undefined> {
  if (!(answer instanceof Failure) && !answer.isDone) return undefined;
  const failure = answer instanceof Failure ? answer : undefined;
  const page = failure ? await pageAfter(session, before.id, failure) : await freshNode(session, before.id);
  const own = page.devices.find((device) => device.id === id);
  const address = own && addressOf(own);
  if (failure && !address) throw failure;
  return address;
}

function full({ title }: Device): never {
  return fail({
    code: "giver-full",
    what: `The device ${title} has no address left to give.`,
    hint: "Choose another device for the address, or none.",
  });
}

/**
 * Devices whose subnet a box can be in, other boxes last. A device with addresses on the air alone has none to give: the
 * site answers an error, and writes to its owner all the same.
 */
export function givers({ devices }: NodePage, own?: number): Device[] {
  const able = devices.filter((device) => device.id !== own && cableAddressOf(device));
  const isBox = ({ type }: Device) => Number(type === BOX_TYPE);
  return able.sort((a, b) => isBox(a) - isBox(b));
}

function named(page: NodePage, id: number): Device {
  const device = givers(page).find((each) => each.id === id);
  if (device) return device;
  return fail({
    code: "giver-unknown",
    what: `The node ${page.title} has no device ${id} with an address by cable.`,
    ...sayFound("found.givers", {
      names:
        givers(page)
          .map(({ id, title }) => `${title} (${id})`)
          .join(", ") || "-",
    }),
    hint: "Choose another device for the address, or none.",
  });
}
