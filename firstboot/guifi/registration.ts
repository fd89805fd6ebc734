// SPDX-License-Identifier: GPL-3.0-or-later
// Registers the box at a node as exactly one device, even after interruptions. What the site has is looked up before
// anything is added; this box's device is identified by its MAC address.

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

/** The box's type in the community's table of device types. */
export const BOX_TYPE = "cloudy";
/** A new device is in testing; its owner sets it to "Working" at the site. */
const NEW_STATUS = "Testing";
/** The last number that is tried when a name is taken: `-2` to this. */
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
  /** E-mail addresses, separated by commas; if absent, the account's. */
  readonly notification?: string | undefined;
  readonly notes?: string | undefined;
  /** The device that an earlier run recorded. */
  readonly recorded?: number | undefined;
}

export interface RegisteredDevice {
  readonly id: number;
  readonly name: string;
}

/** The node's current page. Fails with `node-unknown`. */
export async function freshNode({ box, image, api }: Session, id: number): Promise<NodePage> {
  // The site caches pages for a while.
  await api.call("guifi.cnml.clear");
  const page = await readNode(box, image, id);
  if (page) return page;
  return fail({
    code: "node-unknown",
    what: `There is no node with the number ${id}.`,
    hint: "Look up its number on the community's map.",
  });
}

/** The site's reply to a change; a Failure if it is unreadable, when the change may have been made. */
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

/** The node's page after an unreadable reply; if it cannot be read either, the given failure is thrown. */
export async function pageAfter(session: Session, node: number, failure: Failure): Promise<NodePage> {
  return freshNode(session, node).catch(() => {
    throw failure;
  });
}

/**
 * Finds or adds this box's device. `page`: fresh. The result is verified on the node's page, since the site reports
 * success, with a number, even if its database has rejected the device. Fails with `device-not-shown`, and as the
 * API.
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

/** The device on the page after a change. `failure`: an unreadable reply to that change. */
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

/** A box with this hardware, or the one that an earlier run created. */
export function findOwn({ devices }: NodePage, { recorded, mac }: WantedDevice): Device | undefined {
  const boxes = devices.filter(({ type }) => type === BOX_TYPE);
  return (
    boxes.find(({ id }) => id === recorded) ??
    boxes.find((device) => mac !== undefined && macsOf(device).includes(mac))
  );
}

/** The site shows a device's MAC address only once it has an address: until then it is in the comment. */
function macsOf({ interfaces, comment }: Device): string[] {
  const inComment = comment.match(/[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}/g) ?? [];
  return [...interfaces.map(({ mac }) => mac), ...inComment.map(parseMac)].filter((mac) => mac !== undefined);
}

export function commentOf({ mac, notes }: WantedDevice): string {
  return [notes, mac ? `[${mac}]` : "Community Box"].filter(Boolean).join(" ");
}

/** The device's number once it has the name and the other values; undefined if the name is taken. */
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

/** Undefined if the name is taken by another device. */
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
 * A box of this name without a MAC address: registered by other software, or by us before the site showed comments.
 * It is ours if the site lets this member change it.
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

/** Why there is no address: no device provides one, or requesting it was not wanted. */
export type Linked = { readonly address: Interface } | { readonly reason: "no-giver" | "not-wanted" };

/**
 * Gets the device an address in the subnet of another device of the node, unless it has one. `from`: "auto", "none",
 * or a device's number. `page`: fresh.
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
    // A full subnet results in a link without an address: a second request would add another link.
    const wasFull = own?.interfaces.some(({ linked }) => linked.includes(giver.id)) ?? false;
    if (!wasFull) {
      asking(giver.title);
      const answer = await change(session, "guifi.cloudy.addlink", {
        device_id: giver.id,
        cloudy_id: device.id,
      });
      const address = await addressAfter(session, page, device, answer);
      if (address) return { address };
      // Another member's device: another one may work. But if the person chose it, the error is reported.
      if (isChosen && !(answer instanceof Failure) && !answer.isDone) failWith(answer.errors);
    }
    if (isChosen) return full(giver);
  }
  return { reason: "no-giver" };
}

/** The box's device on the page after a request for an address; undefined if it has none. */
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
 * Devices whose subnet can contain a box, other boxes last. A device with radio addresses only cannot provide one:
 * the site returns an error, but still sends mail to its owner.
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
