// SPDX-License-Identifier: GPL-3.0-or-later
// CNML pages as the site writes them: the map of the network, or a part of it, for other programs.
import {
  cnmlDate,
  type Device,
  type Interface,
  type Link,
  type Node,
  type Radio,
  type Service,
  type SiteState,
  type Zone,
} from "./state.ts";

export type MapAction = "zones" | "nodes" | "detail";

/** A node that does not exist has a page, too: one without a node. */
export function nodePage(state: SiteState, id: number, now: Date): string {
  const node = state.nodes.find((other) => other.id === id);
  return page(now, [
    element("class", { node_description: id, mapping: "y" }),
    ...(node ? [nodeElement(state, node, "detail")] : []),
  ]);
}

/** A zone and what is in it: zones alone, with nodes, or with everything. */
export function zonePage(state: SiteState, id: number, action: MapAction, now: Date): string {
  const zone = state.zones.find((other) => other.id === id);
  const counters = count(state, zone ? nodesBelow(state, zone) : []);
  const { nodes, devices, access_points: ap, clients: client, services, links } = counters;
  return page(now, [
    element("class", { network_description: action, mapping: "y" }),
    element(
      "network",
      { nodes, devices, ap, client, services, links },
      zone ? [zoneElement(state, zone, action)] : [],
    ),
  ]);
}

/** Names that a DNS service of the network answers for, without those it copies from others. */
export function domainsPage(state: SiteState, service: number, now: Date): string {
  const scope = (name: "internal" | "external") =>
    element(
      name,
      {},
      state.domains
        .filter((domain) => domain.service === service && domain.scope === name)
        .map((domain) =>
          element(
            "master",
            {
              zone: domain.name,
              IPv4: domain.ipv4,
              nameserver: "ns1",
              domain_ip: domain.ipv4,
              "allow-transfer": "none",
              contact: domain.contact,
              domain_id: domain.id,
              service_id: service,
              ...domain.more,
            },
            domain.hosts.map(({ name: host, ipv4 }) => element("host", { name: host, IPv4: ipv4 })),
          ),
        ),
    );
  return page(now, [
    element("domains", { network_domains: "domains" }, [scope("internal"), scope("external")]),
  ]);
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly children: readonly Element[];
  readonly text: string;
}

const element = (
  name: string,
  attributes: Element["attributes"],
  children: readonly Element[] = [],
  text = "",
): Element => ({ name, attributes, children, text });

function page(now: Date, children: readonly Element[]): string {
  const root = element(
    "cnml",
    { version: "0.1", server_id: 1, server_url: "http://guifi.net", generated: cnmlDate(now) },
    children,
  );
  return `<?xml version="1.0"?>\n${written(root, "")}`;
}

function zoneElement(state: SiteState, zone: Zone, action: MapAction): Element {
  const { id, parent_id, title, time_zone, ntp_servers, dns_servers, graph_server, created, updated } = zone;
  const { nodes, access_points, clients, devices, services, links } = count(state, nodesBelow(state, zone));
  const counters = some({ access_points, clients, devices, services, links });
  const described = {
    id,
    parent_id,
    title,
    time_zone,
    ntp_servers,
    dns_servers,
    graph_server,
    created,
    updated,
  };
  const inside = state.zones
    .filter(({ parent_id: parent }) => parent === zone.id)
    .map((child) => zoneElement(state, child, action));
  const own = action === "zones" ? [] : nodesOf(state, zone).map((node) => nodeElement(state, node, action));
  return element("zone", { ...described, zone_nodes: nodes, box: zone.box, ...counters }, [
    ...inside,
    ...own,
  ]);
}

function nodeElement(state: SiteState, node: Node, action: MapAction): Element {
  const { id, title, lat, lon, antenna_elevation, status, graph_server, created, updated } = node;
  const { access_points, clients, devices, links, services } = count(state, [node]);
  return element(
    "node",
    {
      ...{ id, title, lat, lon, antenna_elevation, status, graph_server, created, updated },
      ...some({ access_points, clients, devices, links, services }),
    },
    action === "detail" ? node.devices.map((device) => deviceElement(state, device)) : [],
  );
}

function deviceElement(state: SiteState, device: Device): Element {
  const { id, title, type, status, graph_server, created, updated, firmware, name, snmp_index } = device;
  return element(
    "device",
    {
      id,
      mainipv4: mainAddress(device),
      // An empty nick is not written, as nothing empty is but the main address and the model.
      title: title || undefined,
      ...{ type, status, graph_server, created, updated, firmware, name, snmp_index },
    },
    [
      ...device.radios.map(radioElement),
      ...device.interfaces.map(interfaceElement),
      ...state.services.filter((service) => service.device === id).map(serviceElement),
    ],
    device.comment,
  );
}

function radioElement({ interfaces, ...attributes }: Radio): Element {
  return element("radio", attributes, interfaces.map(interfaceElement));
}

function interfaceElement({ id, type, mac, ipv4, mask, links }: Interface): Element {
  return element("interface", { id, type, mac, ipv4: ipv4 || undefined, mask }, links.map(linkElement));
}

function linkElement(link: Link): Element {
  const { id, linked_device_id, linked_node_id, linked_interface_id, link_type, link_status } = link;
  return element("link", {
    id,
    linked_device_id,
    linked_node_id,
    linked_interface_id,
    link_type,
    link_status,
  });
}

function serviceElement({ id, title, type, status, created, updated }: Service): Element {
  return element("service", { id, title, type, status, created, updated });
}

/** The address a device is known by: that of its bridge, else of its cable, else of its radio, else any. */
export function mainAddress(device: Device): string {
  const all = [...device.interfaces, ...device.radios.flatMap(({ interfaces }) => interfaces)];
  const order = ["wLan/Lan", "Lan", "Wan", "wLan"];
  for (const type of order) {
    const found = all.find((one) => one.type === type && one.ipv4);
    if (found) return found.ipv4;
  }
  return all.find(({ ipv4 }) => ipv4)?.ipv4 ?? "";
}

const nodesOf = (state: SiteState, zone: Zone) => state.nodes.filter((node) => node.zone === zone.id);

function nodesBelow(state: SiteState, zone: Zone): Node[] {
  const children = state.zones.filter(({ parent_id }) => parent_id === zone.id);
  return [...children.flatMap((child) => nodesBelow(state, child)), ...nodesOf(state, zone)];
}

function count(state: SiteState, nodes: readonly Node[]) {
  const devices = nodes.flatMap((node) => node.devices);
  const radios = devices.flatMap((device) => device.radios);
  const ids = new Set(devices.map(({ id }) => id));
  return {
    nodes: nodes.length,
    access_points: radios.filter(({ mode }) => mode === "ap").length,
    clients: radios.filter(({ mode }) => mode === "client").length,
    devices: devices.length,
    // Cables are not counted.
    links: radios.flatMap(({ interfaces }) => interfaces.flatMap(({ links }) => links)).length,
    services: state.services.filter(({ device }) => ids.has(device)).length,
  };
}

/** Counters that count nothing are left out. */
function some<T extends Record<string, number>>(counters: T): Partial<T> {
  return Object.fromEntries(Object.entries(counters).filter(([, number]) => number > 0)) as Partial<T>;
}

function written({ name, attributes, children, text }: Element, indent: string): string {
  const words = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(String(value)).replaceAll('"', "&quot;")}"`);
  const start = `${indent}<${name}${words.join("")}`;
  if (children.length === 0) return `${start}${text ? `>${escaped(text)}</${name}>` : "/>"}\n`;
  const inside = children.map((child) => written(child, `${indent}    `)).join("");
  return `${start}>${escaped(text)}\n${inside}${indent}</${name}>\n`;
}

function escaped(text: string): string {
  return (
    text
      // No way to write these in XML.
      .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
  );
}
