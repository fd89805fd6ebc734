// SPDX-License-Identifier: GPL-3.0-or-later
// The device files of the service guifi-graphs: which devices collectd queries, and their names for the pages.

import type { GraphedDevice } from "./devices.ts";

/** Included by the service's collectd.conf, which defines the data sets used here. */
export function collectdConfig(devices: readonly GraphedDevice[]): string {
  if (devices.length === 0) return HEAD;
  return [
    HEAD,
    "<Plugin ping>",
    ...devices.map(({ ipv4 }) => `\tHost "${ipv4}"`),
    "</Plugin>",
    "<Plugin snmp>",
    ...devices.flatMap(ofDevice),
    "</Plugin>",
    "",
  ].join("\n");
}

const HEAD = "# Written by Community Box (cbox guifi-graphs) from the community's map.\n";

function ofDevice({ id, ipv4, isModern }: GraphedDevice): string[] {
  return [
    `\t<Host "${id}">`,
    `\t\tAddress "udp:${ipv4}:161"`,
    `\t\tVersion ${isModern ? 2 : 1}`,
    '\t\tCommunity "public"',
    `\t\tCollect "${isModern ? "traffic64" : "traffic32"}"`,
    "\t\tTimeout 2",
    "\t\tRetries 2",
    "\t</Host>",
  ];
}

/**
 * One line per device, separated by tabs: number, number and name of its node, its own name, address, main interface,
 * linked devices. "-" means empty. The main interface has the name of collectd's directory.
 */
export function deviceTable(devices: readonly GraphedDevice[]): string {
  return devices
    .map(({ id, node, title, ipv4, interfaces, index, linked }) => {
      const main = interfaces[0]?.replaceAll("/", "_") ?? (index === undefined ? "-" : `index-${index}`);
      return `${[id, node.id, node.title, title, ipv4, main, linked.join(",") || "-"].join("\t")}\n`;
    })
    .join("");
}
