// SPDX-License-Identifier: GPL-3.0-or-later
// The devices of a community's zone, from its map: CNML, action "detail". Invalid numbers, addresses and names are
// left out, since all of it is written into files for other programs.

import { type Cidr, contains, formatIpv4, parseIpv4 } from "../../common/ipv4.ts";
import { quotable } from "../guifi/credentials.ts";
import { all, type Element, parseCnml } from "../guifi/xml.ts";

export interface GraphedDevice {
  readonly id: number;
  readonly title: string;
  readonly node: { readonly id: number; readonly title: string };
  readonly ipv4: string;
  /** The device's own interface names, radios first; empty if the map does not have them. */
  readonly interfaces: readonly string[];
  /** The device's number of its interface, if the map has that instead. */
  readonly index?: number;
  /** Its agent has 64-bit counters (SNMP version 2c). Others are queried with version 1, which all support. */
  readonly isModern: boolean;
  /** Devices at the other ends of its links. */
  readonly linked: readonly number[];
}

export interface Selection {
  /** Only devices with an address in one of these ranges are queried. */
  readonly ranges: readonly Cidr[];
  /** Only those that the map assigns to this graph server. */
  readonly server?: string;
}

/** In the order of the page, each once. Any text gives a list, or Failure `api-reply-invalid`. */
export async function parseDevices(text: string, selection: Selection): Promise<GraphedDevice[]> {
  const root = await parseCnml(text);
  const known = new Set<number>();
  return all(root, "network")
    .flatMap((network) => ofZone(network, undefined, selection))
    .filter(({ id }) => !known.has(id) && known.add(id));
}

/** A nested zone, a node and a device may each have another graph server; 0 means none. */
function ofZone(element: Element, server: string | undefined, selection: Selection): GraphedDevice[] {
  const own = serverOf(element) ?? server;
  return [
    ...all(element, "zone").flatMap((zone) => ofZone(zone, own, selection)),
    ...all(element, "node").flatMap((node) => ofNode(node, own, selection)),
  ];
}

function ofNode(element: Element, server: string | undefined, selection: Selection): GraphedDevice[] {
  const id = number(element.attributes.id);
  if (id === undefined) return [];
  const own = serverOf(element) ?? server;
  const node = { id, title: titleOf(element) || String(id) };
  return all(element, "device")
    .filter((device) => !selection.server || (serverOf(device) ?? own) === selection.server)
    .flatMap((device) => toDevice(device, node, selection));
}

/** Titles are used in pages, images and a table: characters with a meaning in any of them are replaced. */
const titleOf = ({ attributes }: Element) =>
  quotable(attributes.title ?? "", [], 60).replace(/[^\p{L}\p{N} ._…-]/gu, "_");

const serverOf = ({ attributes }: Element) => number(attributes.graph_server)?.toString();

/** Planned, removed or unfinished devices do not answer. */
const ANSWERING = new Set(["Working", "Testing"]);
/** Firmware and device types with a modern SNMP agent. */
const MODERN = /^(RouterOS|OpenW[Rr][Tt]|LEDE|qMp|Linux)/;
const MODERN_TYPES = new Set(["cloudy", "confine", "server"]);

function toDevice(element: Element, node: GraphedDevice["node"], { ranges }: Selection): GraphedDevice[] {
  const { attributes } = element;
  const id = number(attributes.id);
  const ipv4 = parseIpv4(attributes.mainipv4?.trim() ?? "");
  if (id === undefined || ipv4 === undefined || !ANSWERING.has(attributes.status ?? "")) return [];
  if (!ranges.some((range) => contains(range, ipv4))) return [];
  const radios = all(element, "radio");
  const index = [element, ...radios].map((each) => number(each.attributes.snmp_index)).find(Boolean);
  return [
    {
      id,
      title: titleOf(element) || String(id),
      node,
      ipv4: formatIpv4(ipv4),
      interfaces: [
        ...new Set(radios.flatMap(({ attributes: { snmp_name: name = "" } }) => interfaceName(name))),
      ],
      ...(index === undefined ? {} : { index }),
      isModern: MODERN.test(attributes.firmware ?? "") || MODERN_TYPES.has(attributes.type ?? ""),
      linked: [...new Set(links(element))].filter((other) => other !== id),
    },
  ];
}

function links(element: Element): number[] {
  const own = all(element, "link").flatMap(({ attributes }) => number(attributes.linked_device_id) ?? []);
  return [...own, ...["radio", "interface"].flatMap((name) => all(element, name)).flatMap(links)];
}

/** Such as ath0, wlan1:ap or "ether1 up/link": chosen by the person who configured the device. */
function interfaceName(text: string): string[] {
  return /^[\x21-\x7e][\x20-\x7e]{0,62}$/.test(text.trim()) ? [text.trim()] : [];
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : undefined;
}
