// SPDX-License-Identifier: GPL-3.0-or-later
// Devices: added, changed and removed by members.
import {
  allDevices,
  cnmlDate,
  type Device,
  interfacesOf,
  nextId,
  nodeOf,
  type SiteState,
  unixTime,
} from "../state.ts";
import { type Call, type Command, idOf, mayChange, member, refuse, required } from "./call.ts";
import { FIRMWARES, MODELS, STATUSES } from "./types.ts";

export const addDevice: Command = (call) => {
  const { state, now, account } = call;
  const { node_id, type } = required(call, "node_id", "type");
  const node = state.nodes.find(({ id }) => id === idOf(node_id));
  if (!node) return refuse(500, `node_id = ${node_id}`);
  const device: Device = {
    id: nextId(allDevices(state)),
    owner: account?.uid ?? 0,
    maintainers: [],
    title: defaultNick(node.title, type, node.devices),
    type,
    status: "Planned",
    created: cnmlDate(now),
    updated: cnmlDate(now),
    notification: account?.mail ?? "",
    radios: [],
    interfaces: [],
  };
  change(device, call);
  member(call);
  if (fits(device.title)) {
    node.devices.push(device);
    state.changed = unixTime(now);
  }
  // Numbers from the database are texts.
  return { device_id: String(device.id) };
};

/** Length of the table's columns for names. The database refuses longer ones; the site does not check that. */
export const NAME_COLUMN = 40;

export const fits = (name: string) => [...name].length <= NAME_COLUMN;

export const updateDevice: Command = (call) => {
  const { device_id } = required(call, "device_id");
  const device = loadDevice(call, device_id) ?? refuse(500, `device_id = ${device_id}`);
  if (!mayChange(call, device)) refuse(501);
  const changed = structuredClone(device);
  change(changed, call);
  if (!fits(changed.title)) return undefined;
  Object.assign(device, changed, { updated: cnmlDate(call.now) });
  call.state.changed = unixTime(call.now);
  return undefined;
};

/** What hangs on the device goes with it, but for its services: they keep their nicks taken. */
export const removeDevice: Command = (call) => {
  const { state, now } = call;
  const { device_id } = required(call, "device_id");
  const device = loadDevice(call, device_id) ?? refuse(500, `device_id = ${device_id}`);
  if (!mayChange(call, device)) refuse(501);
  const { devices } = nodeOf(state, device);
  devices.splice(devices.indexOf(device), 1);
  dropLinks(state, (link) => link.linked_device_id === device.id);
  state.changed = unixTime(now);
  return undefined;
};

export function deviceOf({ state }: Call, id: string): Device | undefined {
  return allDevices(state).find((device) => device.id === idOf(id));
}

/**
 * The device as the site reads it for a change. It also corrects bridges of an older schema, and writes a line about
 * each before the answer: one without an address is removed, one without a link becomes a cable.
 */
export function loadDevice(call: Call, id: string): Device | undefined {
  const device = deviceOf(call, id);
  for (const bridge of device?.interfaces.filter(({ type }) => type === "wLan/Lan") ?? []) {
    if (bridge.ipv4 === "") {
      call.print(`iface wLanLan without any ip: ${bridge.id} `);
      device!.interfaces.splice(device!.interfaces.indexOf(bridge), 1);
    } else if (bridge.links.length === 0) {
      call.print(`false wLanLan: ${bridge.id} `);
      bridge.type = "Lan";
    }
  }
  return device;
}

export function dropLinks(
  state: SiteState,
  which: (link: { id: number; linked_device_id: number }) => boolean,
) {
  for (const { links } of allDevices(state).flatMap(interfacesOf)) {
    for (const link of links.filter(which)) links.splice(links.indexOf(link), 1);
  }
}

/** The whole device as the API shows it, with ids as keys. */
export function structureOf(state: SiteState, device: Device): Record<string, unknown> {
  const node = nodeOf(state, device);
  return {
    id: String(device.id),
    nid: String(node.id),
    nick: device.title,
    type: device.type,
    comment: device.comment ?? "",
    mac: device.mac ?? "",
    flag: device.status,
    notification: device.notification,
    user_created: String(device.owner),
    node_nick: node.title,
    ...(device.interfaces.length
      ? {
          interfaces: Object.fromEntries(
            device.interfaces.map((one) => [
              one.id,
              {
                id: String(one.id),
                device_id: String(device.id),
                interface_type: one.type,
                mac: one.mac,
                ...(one.ipv4
                  ? {
                      ipv4: [
                        {
                          id: "0",
                          interface_id: String(one.id),
                          ipv4: one.ipv4,
                          netmask: one.mask,
                          ipv4_type: "1",
                          zone_id: String(node.zone),
                        },
                      ],
                    }
                  : {}),
              },
            ]),
          ),
        }
      : {}),
  };
}

/** Checks what was asked for, in the site's order, and sets it. */
function change(device: Device, call: Call): void {
  const { parameters, state } = call;
  const { status, mac, nick, type } = Object.fromEntries(parameters);
  if (status !== undefined && !STATUSES.includes(status)) refuse(403, `status: ${status}`);
  const address = mac === undefined ? undefined : (macOf(mac) ?? refuse(403, `mac: ${mac}`));
  if (nick) checkNick(state, nick, device.id);
  if (type === "radio") checkRadio(call);
  if (type === "adsl") required(call, "download", "upload", "mrtg_index");
  const model = MODELS.find(({ mid }) => mid === idOf(parameters.get("model_id") ?? ""));
  const { notification, comment, graph_server, firmware } = Object.fromEntries(parameters);
  const wanted: Partial<Device> = {
    // An empty nick is taken as it is.
    ...(nick === undefined ? {} : { title: nick }),
    ...(type === undefined ? {} : { type }),
    ...(status === undefined ? {} : { status }),
    ...(address === undefined ? {} : { mac: address }),
    ...(notification === undefined ? {} : { notification }),
    ...(comment === undefined ? {} : { comment }),
    ...(graph_server ? { graph_server } : {}),
    ...(firmware ? { firmware } : {}),
    ...(model ? { name: model.model } : {}),
  };
  Object.assign(device, wanted);
}

function checkNick(state: SiteState, nick: string, own: number): void {
  if (/[&<>"']|[^\0-\x7f]/.test(nick)) {
    refuse(403, "No special characters allowed for nick name, use just 7 bits chars.");
  }
  if (nick.includes(" ")) refuse(403, "Nick name have to be a single word.");
  const isTaken = ({ id, title }: Device) => id !== own && title.toLowerCase() === nick.toLowerCase();
  if (allDevices(state).some(isTaken)) refuse(403, "nick already in use");
}

function checkRadio(call: Call): void {
  const { firmware } = required(call, "mac", "model_id", "firmware");
  if (!FIRMWARES.includes(firmware)) refuse(403, `firmware is not supported: ${firmware}`);
}

/** Twelve hexadecimal digits, whatever stands between them; as the site keeps it. */
export function macOf(text: string): string | undefined {
  const digits = text.replace(/[-:/ .]/g, "");
  return /^[0-9a-f]{12}$/i.test(digits) ? digits.toUpperCase().match(/../g)!.join(":") : undefined;
}

/** Such as CanBruixaCldy1. The site does not check whether it is in use. */
function defaultNick(node: string, type: string, devices: readonly Device[]): string {
  const consonants = type.replace(/[aeiou]/gi, "");
  const number = devices.filter((device) => device.type === type).length + 1;
  return `${node}${consonants.charAt(0).toUpperCase()}${consonants.slice(1)}${number}`;
}
