// SPDX-License-Identifier: GPL-3.0-or-later
// What the site knows, as plain data that survives JSON. Elements of the map have the names and the order of their
// attributes in CNML, so that a page is written from them without translation.

export interface SiteState {
  readonly accounts: Account[];
  readonly tokens: Token[];
  /** Logins so far; makes tokens differ that are given in the same second. */
  logins: number;
  readonly zones: Zone[];
  readonly nodes: Node[];
  readonly services: Service[];
  readonly domains: Domain[];
  /** What GET requests were last answered, by address. */
  readonly pages: Record<string, { readonly body: string; readonly made: number }>;
  /** What members were written by e-mail. */
  readonly mails: { readonly to: string; readonly about: string }[];
  /** Unix time of the last change of the map; what `/guifi/refresh` tells. */
  changed: number;
}

export interface Account {
  readonly uid: number;
  readonly name: string;
  password: string;
  mail: string;
  /** Unix time. */
  readonly created: number;
}

export interface Token {
  readonly uid: number;
  readonly token: string;
  readonly random: number;
  /** Unix time. */
  readonly created: number;
}

export interface Zone {
  readonly id: number;
  readonly parent_id?: number;
  readonly title: string;
  readonly time_zone?: string;
  readonly ntp_servers?: string;
  readonly dns_servers?: string;
  readonly graph_server?: string;
  readonly created: string;
  readonly updated?: string;
  /** West, south, east, north, in degrees. */
  readonly box: string;
}

export interface Node {
  readonly id: number;
  readonly zone: number;
  readonly owner: number;
  /** The nick; the long title is not in CNML. */
  readonly title: string;
  readonly lat: string;
  readonly lon: string;
  readonly antenna_elevation?: string;
  readonly status: string;
  readonly graph_server?: string;
  readonly created: string;
  readonly updated?: string;
  readonly devices: Device[];
}

export interface Device {
  readonly id: number;
  /** The account that made it. */
  readonly owner: number;
  readonly maintainers: readonly number[];
  title: string;
  type: string;
  status: string;
  graph_server?: string;
  readonly created: string;
  updated?: string;
  firmware?: string;
  /** Name of the model. */
  name?: string;
  snmp_index?: string;
  comment?: string;
  notification: string;
  /** The device's own; CNML tells only those of interfaces. */
  mac?: string;
  readonly radios: Radio[];
  readonly interfaces: Interface[];
}

export interface Radio {
  readonly id: string;
  readonly device_id: string;
  readonly ssid?: string;
  readonly mode: string;
  readonly protocol?: string;
  readonly channel?: string;
  readonly antenna_angle?: string;
  readonly antenna_gain?: string;
  readonly antenna_azimuth?: string;
  readonly clients_accepted?: string;
  readonly snmp_index?: string;
  readonly snmp_name?: string;
  readonly interfaces: Interface[];
}

export interface Interface {
  readonly id: number;
  type: string;
  readonly mac: string;
  /** Empty when the network was full: the site makes the interface all the same. */
  readonly ipv4: string;
  readonly mask: string;
  readonly links: Link[];
}

/** One end of a link; the other end has the same id. */
export interface Link {
  readonly id: number;
  readonly linked_device_id: number;
  readonly linked_node_id: number;
  readonly linked_interface_id: number;
  readonly link_type: string;
  readonly link_status: string;
}

export interface Service {
  readonly id: number;
  device: number;
  zone: number;
  readonly owner: number;
  /** The long name; CNML tells the nick. */
  name: string;
  readonly title: string;
  readonly type: string;
  status: string;
  readonly created: string;
  updated?: string;
  readonly notification: string;
  /** Of a proxy: whose users may use it, and where its own may go. Set in the web form, not by the API. */
  readonly federation?: readonly ("IN" | "OUT")[];
}

/** A name that a DNS service of the network answers for. */
export interface Domain {
  readonly id: number;
  readonly service: number;
  readonly name: string;
  readonly scope: "internal" | "external";
  readonly ipv4: string;
  readonly contact: string;
  readonly hosts: readonly { readonly name: string; readonly ipv4: string }[];
  /** Attributes of the page that only some domains have, such as externalMX. */
  readonly more?: Readonly<Record<string, string>>;
}

export const allDevices = (state: SiteState): Device[] => state.nodes.flatMap(({ devices }) => devices);

export const interfacesOf = (device: Device): Interface[] => [
  ...device.radios.flatMap(({ interfaces }) => interfaces),
  ...device.interfaces,
];

export const allInterfaces = (state: SiteState): Interface[] => allDevices(state).flatMap(interfacesOf);

export function nodeOf(state: SiteState, device: Device): Node {
  return state.nodes.find(({ devices }) => devices.includes(device))!;
}

/** `max(id) + 1`, as the site's tables count. */
export function nextId(...lists: readonly (readonly { readonly id: number }[])[]): number {
  return Math.max(0, ...lists.flat().map(({ id }) => id)) + 1;
}

export const unixTime = (time: Date): number => Math.floor(time.getTime() / 1000);

/** Dates in CNML have a 12-hour clock without saying which half of the day. */
export function cnmlDate(time: Date): string {
  const pad = (number: number) => String(number).padStart(2, "0");
  const day = `${time.getUTCFullYear()}${pad(time.getUTCMonth() + 1)}${pad(time.getUTCDate())}`;
  return `${day} ${pad(time.getUTCHours() % 12 || 12)}${pad(time.getUTCMinutes())}`;
}

/** Numbers of IPv4 addresses, to count and compare with. */
export function ipNumber(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

export function ipText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
