// SPDX-License-Identifier: GPL-3.0-or-later
// CNML: the public description of a node, its devices and their addresses.

import { formatIpv4, parseIpv4 } from "../../common/ipv4.ts";
import { tlsTrust } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { ask, unavailable } from "./api.ts";
import { quotable } from "./credentials.ts";
import { all, type Element, parseCnml } from "./xml.ts";

export interface NodePage {
  readonly id: number;
  /** Its short name, one word. */
  readonly title: string;
  readonly devices: readonly Device[];
}

export interface Device {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly comment: string;
  readonly interfaces: readonly Interface[];
  readonly services: readonly Service[];
}

export interface Interface {
  /** Upper case, with colons. */
  readonly mac?: string;
  readonly ipv4?: string;
  readonly mask?: string;
  readonly isRadio: boolean;
  /** Devices at the other ends of its links. */
  readonly linked: readonly number[];
}

export interface Service {
  readonly id: number;
  readonly title: string;
  readonly type: string;
}

/** A large node of the network takes some 300 KiB. */
const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT = 8_000;

/** The page of a node; undefined when there is no such node. Fails with `api-…` and `server-…`. */
export async function readNode(box: Box, image: ImageInfo, id: number): Promise<NodePage | undefined> {
  const { status, body } = await ask(box, {
    method: "GET",
    url: `${image.community.api.cnml_url}/${id}/node`,
    maxBytes: MAX_BYTES,
    timeout: TIMEOUT,
    tls: await tlsTrust(box, image),
  });
  if (status !== 200) return unavailable(status);
  const page = await parseNode(body.toString("utf8"));
  return page?.id === id ? page : undefined;
}

/** The device's address: by cable, otherwise by radio. */
export function addressOf(device: Device): Interface | undefined {
  return cableAddressOf(device) ?? device.interfaces.find(({ ipv4 }) => ipv4 !== undefined);
}

/** An address in the device's own network, where others can get one. Radio links do not have such a network. */
export function cableAddressOf({ interfaces }: Device): Interface | undefined {
  return interfaces.find(({ ipv4, isRadio }) => ipv4 !== undefined && !isRadio);
}

/** Returns a page or undefined for any text, or throws Failure `api-reply-invalid`. */
export async function parseNode(text: string): Promise<NodePage | undefined> {
  const root = await parseCnml(text);
  const node = root.children.find(({ name }) => name === "node");
  const id = number(node?.attributes.id);
  if (!node || id === undefined) return undefined;
  return { id, title: quotable(node.attributes.title ?? ""), devices: all(node, "device").flatMap(toDevice) };
}

function toDevice(element: Element): Device[] {
  const id = number(element.attributes.id);
  if (id === undefined) return [];
  // Radios have their own interfaces.
  const holders = [element, ...all(element, "radio")];
  return [
    {
      id,
      title: quotable(element.attributes.title ?? ""),
      type: quotable(element.attributes.type ?? ""),
      comment: quotable(element.text, [], 1000),
      interfaces: holders.flatMap((holder) => all(holder, "interface")).map(toInterface),
      services: all(element, "service").flatMap(toService),
    },
  ];
}

function toInterface(element: Element): Interface {
  const { attributes } = element;
  const mac = parseMac(attributes.mac ?? "");
  const ipv4 = address(attributes.ipv4);
  const mask = address(attributes.mask);
  return {
    // The site's placeholder for an interface that it created itself.
    ...(mac && mac !== NO_MAC ? { mac } : {}),
    ...(ipv4 ? { ipv4 } : {}),
    ...(mask ? { mask } : {}),
    isRadio: RADIO_TYPES.has(attributes.type ?? ""),
    linked: all(element, "link").flatMap((link) => number(link.attributes.linked_device_id) ?? []),
  };
}

/** The site's types of radio interfaces; a page lists these both below their device and below its radio. */
const RADIO_TYPES = new Set(["wLan", "wds/p2p", "Wan", "Hotspot"]);

const NO_MAC = "00:00:00:00:00:00";

function toService({ attributes }: Element): Service[] {
  const id = number(attributes.id);
  if (id === undefined) return [];
  return [{ id, title: quotable(attributes.title ?? ""), type: quotable(attributes.type ?? "") }];
}

/** In upper case with colons, from any separators; undefined if it is not a MAC address. */
export function parseMac(text: string): string | undefined {
  const digits = text.replace(/[:\-/. ]/g, "").toUpperCase();
  return /^[0-9A-F]{12}$/.test(digits) ? digits.match(/../g)?.join(":") : undefined;
}

function address(text: string | undefined): string | undefined {
  const parsed = parseIpv4(text?.trim() ?? "");
  return parsed === undefined ? undefined : formatIpv4(parsed);
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : undefined;
}
