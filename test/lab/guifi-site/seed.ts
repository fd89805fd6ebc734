// SPDX-License-Identifier: GPL-3.0-or-later
// The map at the beginning: real pages of guifi.net (data/), and a few nodes made up after them, one for each way
// that registering a box can go.
import { readFileSync } from "node:fs";
import { XMLParser } from "fast-xml-parser";
import { MEMBERS } from "../members.ts";
import type { Account, Device, Domain, Interface, Node, Radio, Service, SiteState, Zone } from "./state.ts";

export const NODES = {
  /** Anna's, with a device of hers that can give addresses. */
  own: 54052,
  /** Somebody else's, and so is the only device with addresses: anybody else gets 501. */
  foreign: 54060,
  /** Anna's; no device has an address yet. */
  bare: 54071,
  /** Anna's; its device has an address on the air only, and gives none: 500. */
  airOnly: 54072,
  /** Anna's; no address is left in its network, which the site does not call an error. */
  full: 54080,
  /** A real one, of eight devices. */
  real: 56604,
} as const;

/** The device that gives addresses at {@link NODES}.own, and the first that it gives. */
export const UPLINK = { device: 48400, address: "10.139.40.225", next: "10.139.40.226" } as const;

export function seed(): SiteState {
  const state: SiteState = {
    accounts: accounts(),
    tokens: [],
    logins: 0,
    zones: [barcelona],
    nodes: [],
    services: [],
    domains: [],
    pages: {},
    mails: [],
    changed: Date.UTC(2016, 1, 2, 12, 16) / 1000,
  };
  const { network } = read("zone-54284.cnml");
  for (const zone of network?.zone ?? []) {
    state.zones.push(zoneOf(zone));
    for (const node of zone.node ?? []) addNode(state, node, Number(zone.id), SOMEBODY);
  }
  const { node: real = [] } = read("node-56604.cnml");
  for (const node of real) addNode(state, node, barcelona.id, uidOf("Pere Mas_i.Pla"));
  addMadeUp(state);
  return state;
}

/** Owns what is not the lab's members'. */
const SOMEBODY = 900;
const FIRST_UID = 1001;

function accounts(): Account[] {
  return MEMBERS.flatMap(({ name, password, mail, inSite }, index) =>
    inSite ? [{ uid: FIRST_UID + index, name, password, mail, created: 1_300_000_000 + index }] : [],
  );
}

function uidOf(name: string): number {
  return FIRST_UID + MEMBERS.findIndex((member) => member.name === name);
}

const barcelona: Zone = {
  id: 18668,
  title: "Barcelona, Sant Martí",
  time_zone: "+01 2 2",
  created: "20080312 0914",
  updated: "20151203 1127",
  box: "2.150000,41.370000,2.230000,41.430000",
};

function addMadeUp(state: SiteState): void {
  const [anna, pere] = [uidOf("anna"), uidOf("Pere Mas_i.Pla")];
  const place = (id: number, owner: number, title: string, devices: Device[]): Node => ({
    ...{ id, zone: barcelona.id, owner, title, lat: "41.398120", lon: "2.201342", antenna_elevation: "20" },
    ...{ status: "Working", created: "20120412 1003", updated: "20160114 0648", devices },
  });
  const device = (
    id: number,
    owner: number,
    title: string,
    rest: Partial<Device>,
    ...interfaces: Interface[]
  ) => ({
    ...{ id, owner, maintainers: [], title, type: "radio", status: "Working", created: "20120412 1010" },
    ...{ notification: "", radios: [], interfaces, ...rest },
  });
  const lan = (id: number, ipv4: string, mask = "255.255.255.224"): Interface => ({
    ...{ id, type: "Lan", mac: "00:00:00:00:00:00", ipv4, mask, links: [] },
  });
  const wan = (id: number, ipv4: string): Interface => ({
    ...{ id, type: "Wan", mac: "24:A4:3C:10:20:30", ipv4, mask: "255.255.255.224", links: [] },
  });
  const client = (
    name: string,
    id: number,
    air: Interface,
  ): Pick<Device, "firmware" | "name" | "radios"> => ({
    firmware: "AirOsv5.x",
    name: "AirMaxM5 Rocket/Nano/Loco",
    radios: [
      {
        ...{ id: "0", device_id: String(id), ssid: name, mode: "client", protocol: "802.11n" },
        ...{ antenna_gain: "14", clients_accepted: "No", snmp_name: "ath0", interfaces: [air] },
      },
    ],
  });
  // Pages list the interface of a client's radio twice: at the radio, and at the device.
  const airs = [wan(148_400, "10.139.42.5"), wan(148_430, "10.139.42.6")] as const;
  state.nodes.push(
    place(NODES.own, anna, "BCNCanBruixa20", [
      device(
        UPLINK.device,
        anna,
        "BCNCanBruixa20Rd1",
        client("BCNCanBruixa20Rd1CPE0", UPLINK.device, airs[0]),
        // Bridges of an older schema, which the site corrects when it next reads the device for a change.
        { ...lan(148_401, UPLINK.address), type: "wLan/Lan" },
        { ...lan(148_402, ""), type: "wLan/Lan" },
        airs[0],
      ),
    ]),
    place(NODES.foreign, pere, "BCNRiera5", [
      device(48_410, pere, "BCNRiera5Rd1", { maintainers: [pere] }, lan(148_411, "10.139.41.65")),
      device(48_411, pere, "BCNRiera5Srvr1", { type: "server" }, lan(148_412, "10.139.41.66")),
    ]),
    place(NODES.bare, anna, "BCNTerrat3", [device(48_420, anna, "BCNTerrat3Rd1", { status: "Planned" })]),
    place(NODES.airOnly, anna, "BCNTerrat5", [
      device(48_430, anna, "BCNTerrat5Rd1", client("BCNTerrat5Rd1CPE0", 48_430, airs[1]), airs[1]),
    ]),
    place(NODES.full, anna, "BCNPlena1", [
      device(48_440, anna, "BCNPlena1Rd1", {}, lan(148_441, "10.139.41.1", "255.255.255.252")),
      device(48_441, anna, "BCNPlena1Cam1", { type: "cam" }, lan(148_442, "10.139.41.2", "255.255.255.252")),
    ]),
  );
  const proxy = (id: number, title: string, rest: Partial<Service>): Service => ({
    ...{ id, device: 48_411, zone: barcelona.id, owner: pere, name: title, title, type: "Proxy" },
    ...{ status: "Working", created: "20130520 0815", notification: "", ...rest },
  });
  state.services.push(
    proxy(54_101, "BCNRieraPx1", { federation: ["IN"] }),
    proxy(54_102, "BCNRieraPx2", { federation: ["OUT"], status: "Testing" }),
    proxy(54_103, "BCNRieraPx3", { federation: ["IN", "OUT"] }),
    proxy(54_104, "BCNRieraPx4", { federation: ["IN", "OUT"], status: "Planned" }),
  );
  const andoain = (id: number, name: string, scope: Domain["scope"], ipv4: string): Domain => ({
    ...{ id, service: 54_621, name, scope, ipv4 },
    ...{ contact: "andoain@example.net", hosts: [{ name: "ns1", ipv4 }] },
  });
  const inner = andoain(1, "andoain.guifi.local", "internal", "10.69.12.18");
  state.domains.push(
    {
      ...inner,
      // A name as members type them, and a name server within the zone that has no address.
      hosts: [...inner.hosts, { name: "BCN_roof", ipv4: "10.69.12.20" }],
      more: {
        ...{ externalMX: "mx1.example.net,mx2.example.net", domain_ip: "" },
        externalNS: "ns.example.net,ns9.andoain.guifi.local",
      },
    },
    {
      ...andoain(2, "andoain.example.net", "internal", "10.69.12.18"),
      more: { domain_ip_v6: "fd00:69::18" },
    },
    andoain(3, "andoain.example.net", "external", "192.0.2.18"),
  );
}

/** An element of a page: attributes by name, children in lists. */
interface Read {
  readonly [attribute: string]: unknown;
  readonly network?: { readonly zone: readonly Read[] };
  readonly node?: readonly Read[];
  readonly device?: readonly Read[];
  readonly radio?: readonly Read[];
  readonly interface?: readonly Read[];
  readonly link?: readonly Read[];
  readonly service?: readonly Read[];
}

function read(file: string): Read {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "",
    textNodeName: "text",
    isArray: (_, path) => /\.(zone|node|device|radio|interface|link|service)$/.test(String(path)),
    processEntities: true,
  });
  const text = readFileSync(new URL(`data/${file}`, import.meta.url), "utf8");
  return (parser.parse(text) as { cnml: Read }).cnml;
}

/** Those attributes of an element that are in it, as text. */
function texts(from: Read, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (name in from ? [[name, String(from[name])]] : [])));
}

const number = (from: Read, name: string): number => Number(from[name]);

function zoneOf(from: Read): Zone {
  const names = ["title", "time_zone", "ntp_servers", "dns_servers", "graph_server", "created", "updated"];
  return {
    ...(texts(from, ...names, "box") as unknown as Zone),
    id: number(from, "id"),
    parent_id: number(from, "parent_id"),
  };
}

function addNode(state: SiteState, from: Read, zone: number, owner: number): void {
  const names = ["title", "lat", "lon", "antenna_elevation", "status", "graph_server", "created", "updated"];
  state.nodes.push({
    ...(texts(from, ...names) as unknown as Node),
    id: number(from, "id"),
    zone,
    owner,
    devices: (from.device ?? []).map((device) => deviceOf(device, owner)),
  });
  for (const device of from.device ?? []) {
    for (const service of device.service ?? []) {
      state.services.push({
        ...(texts(service, "title", "type", "status", "created", "updated") as unknown as Service),
        id: number(service, "id"),
        device: number(device, "id"),
        zone,
        owner,
        name: String(service.title),
        notification: "",
      });
    }
  }
}

function deviceOf(from: Read, owner: number): Device {
  const names = ["title", "type", "status", "graph_server", "created", "updated", "firmware", "name"];
  const comment = from.text;
  return {
    ...(texts(from, ...names, "snmp_index") as unknown as Device),
    id: number(from, "id"),
    owner,
    maintainers: [],
    ...(comment ? { comment: String(comment) } : {}),
    notification: "",
    radios: (from.radio ?? []).map(radioOf),
    interfaces: (from.interface ?? []).map(interfaceOf),
  };
}

function radioOf(from: Read): Radio {
  const names = ["id", "device_id", "ssid", "mode", "protocol", "channel", "antenna_angle", "antenna_gain"];
  const more = ["antenna_azimuth", "clients_accepted", "snmp_index", "snmp_name"];
  return {
    ...(texts(from, ...names, ...more) as unknown as Radio),
    interfaces: (from.interface ?? []).map(interfaceOf),
  };
}

function interfaceOf(from: Read): Interface {
  return {
    ...(texts(from, "type", "mac", "ipv4", "mask") as unknown as Interface),
    id: number(from, "id"),
    links: (from.link ?? []).map((link) => ({
      id: number(link, "id"),
      linked_device_id: number(link, "linked_device_id"),
      linked_node_id: number(link, "linked_node_id"),
      linked_interface_id: number(link, "linked_interface_id"),
      link_type: String(link.link_type),
      link_status: String(link.link_status),
    })),
  };
}
