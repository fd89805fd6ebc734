// SPDX-License-Identifier: GPL-3.0-or-later
// The address of a box: given by another device of its node, by a cable link between the two.
import {
  allInterfaces,
  type Device,
  type Interface,
  ipNumber,
  ipText,
  type Link,
  nextId,
  nodeOf,
  type SiteState,
  unixTime,
} from "../state.ts";
import { type Call, type Command, mayChange, refuse, required } from "./call.ts";
import { dropLinks, loadDevice, structureOf } from "./device.ts";

/** Every call makes one more interface with one more address. */
export const addLink: Command = (call) => {
  const { state, now } = call;
  const { device_id, cloudy_id } = required(call, "device_id", "cloudy_id");
  const device = changeable(call, device_id);
  const cloudy = changeable(call, cloudy_id);
  const from = device.interfaces.find(isCable);
  if (!from) {
    // The site goes on after the error, saves the device and tells whoever looks after it.
    state.mails.push({ to: device.notification, about: `${device.title} has been updated` });
    return refuse(500, "Device did not assign IPv4.");
  }
  const address = freeAddress(state, from);
  const given: Interface = {
    id: nextId(allInterfaces(state)),
    type: "Lan",
    // The box's own is not asked for.
    mac: "00:00:00:00:00:00",
    ipv4: address ?? "",
    mask: from.mask,
    links: [],
  };
  const structure = structureOf(state, device);
  connect(state, [device, from], [cloudy, given]);
  cloudy.interfaces.push(given);
  state.changed = unixTime(now);
  return { device: withNewLink(structure, from, { address, cloudy, node: nodeOf(state, cloudy).id }) };
};

export const unlink: Command = (call) => {
  const { state, parameters, now } = call;
  const cloudy = changeable(call, parameters.get("cloudy_id") ?? "");
  const given =
    cloudy.interfaces.find(({ ipv4 }) => ipv4 !== "") ?? refuse(500, "Device did not assign IPv4.");
  const structure = structureOf(state, cloudy);
  const ids = new Set(given.links.map(({ id }) => id));
  cloudy.interfaces.splice(cloudy.interfaces.indexOf(given), 1);
  dropLinks(state, ({ id }) => ids.has(id));
  state.changed = unixTime(now);
  return { cloudy: structure };
};

/** Rights are checked before existence: a missing device has no owner. */
function changeable(call: Call, id: string): Device {
  const device = loadDevice(call, id);
  return device && mayChange(call, device) ? device : refuse(501);
}

/** Addresses on the air are those of a radio link, not of the device's own network. */
const isCable = ({ type, ipv4 }: Interface) =>
  ipv4 !== "" && !["wLan", "wds/p2p", "Wan", "Hotspot"].includes(type);

/** The next one after the network's own that no device has, or nothing when the network is full. */
function freeAddress(state: SiteState, { ipv4, mask }: Interface): string | undefined {
  const taken = new Set(allInterfaces(state).map((one) => one.ipv4));
  const size = 2 ** 32 - ipNumber(mask);
  const network = Math.floor(ipNumber(ipv4) / size) * size;
  for (let number = network + 1; number < network + size - 1; number++) {
    if (!taken.has(ipText(number))) return ipText(number);
  }
  return undefined;
}

function connect(state: SiteState, ...ends: readonly (readonly [Device, Interface])[]): void {
  const links = allInterfaces(state).flatMap((one) => one.links);
  const id = nextId(links);
  for (const [index, [, one]] of ends.entries()) {
    const [device, other] = ends[1 - index]!;
    const link: Link = {
      id,
      linked_device_id: device.id,
      linked_node_id: nodeOf(state, device).id,
      linked_interface_id: other.id,
      link_type: "cable",
      link_status: "Planned",
    };
    one.links.push(link);
  }
}

/** The answer shows the giving device as it was before, with the wish for a link in it. */
function withNewLink(
  structure: Record<string, unknown>,
  from: Interface,
  { address, cloudy, node }: { address: string | undefined; cloudy: Device; node: number },
): Record<string, unknown> {
  const interfaces = structure.interfaces as Record<string, { ipv4: Record<string, unknown>[] }>;
  const giving = interfaces[from.id]!;
  const link = {
    new: true,
    interface: {
      new: true,
      device_id: String(cloudy.id),
      interface_type: "Lan",
      // False when the network is full: that is no error to the site.
      ipv4: { new: true, ipv4_type: 1, ipv4: address ?? false, netmask: from.mask },
    },
    id: -1,
    link_type: "cable",
    flag: "Planned",
    nid: String(node),
    device_id: String(cloudy.id),
    routing: "Gateway",
  };
  giving.ipv4 = giving.ipv4.map((one) => ({ ...one, links: [link] }));
  return structure;
}
