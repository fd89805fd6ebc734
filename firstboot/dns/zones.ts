// SPDX-License-Identifier: GPL-3.0-or-later
// Writes BIND's files: for each view the list of its zones, and for each primary zone its records.

import type { Elsewhere, Host, Master, View } from "./domains.ts";

/** Seconds, the same as on the community's servers. */
const TIMES = { refresh: 43_200, retry: 7_200, expire: 1_209_600, minimum: 7_200 };

export interface ZoneFiles {
  /** Statements to include in the view. */
  readonly config: string;
  /** Records, by file name. */
  readonly files: ReadonlyMap<string, string>;
}

export interface ZoneOptions {
  readonly directory: string;
  readonly name: string;
  readonly serial: number;
  /** Devices for reverse look-ups, in addition to the hosts of the zones. */
  readonly devices?: readonly Named[];
}

export interface Named {
  readonly ipv4: string;
  /** Full name, without a trailing dot. */
  readonly name: string;
}

/** `directory`: future place of the files; `view`: part of their names; `serial`: increases with every change. */
export function zoneFiles(view: View, { directory, name, serial, devices = [] }: ZoneOptions): ZoneFiles {
  const fileOf = ({ zone }: Master) => `${name}.${zone}`;
  const lists = (servers: readonly string[]) => servers.map((server) => `${server};`).join(" ");
  const copied = ({ zone, servers }: Elsewhere) =>
    `zone "${zone}" { type secondary; file "/var/cache/bind/${name}.${zone}"; primaries { ${lists(servers)} }; };`;
  const asked = ({ zone, servers }: Elsewhere) =>
    `zone "${zone}" { type forward; forward first; forwarders { ${lists(servers)} }; };`;
  const own = (master: Master) =>
    `zone "${master.zone}" { type primary; file "${directory}/${fileOf(master)}"; check-names ignore; notify yes; ` +
    `allow-transfer { ${master.mayBeCopied ? "any" : "none"}; }; };`;
  // Names that exist only in the community, such as guifi.local, cannot be signed.
  const unsigned = view.forwards.map(({ zone }) => `"${zone}";`).join(" ");
  const reverse = name === "internal" ? reverseZones(view, devices) : [];
  const backwards = ({ zone }: ReverseZone) =>
    `zone "${zone}" { type primary; file "${directory}/${name}.${zone}"; check-names ignore; allow-transfer { none; }; };`;
  const lines = [
    ...(unsigned ? [`validate-except { ${unsigned} };`] : []),
    ...view.masters.map(own),
    ...reverse.map(backwards),
    ...view.slaves.map(copied),
    ...view.forwards.map(asked),
  ];
  return {
    config: lines.map((line) => `${line}\n`).join(""),
    files: new Map([
      ...view.masters.map((master) => [fileOf(master), records(master, serial)] as const),
      ...reverse.map((each) => [`${name}.${each.zone}`, reverseRecords(each, serial)] as const),
    ]),
  };
}

interface ReverseZone {
  readonly zone: string;
  /** Full name of the zone's server. */
  readonly nameserver: string;
  readonly entries: readonly Named[];
}

/**
 * For the community's addresses: 10/8 as one zone, 172.16/12 as sixteen, only if they contain an address. One name
 * for each address: that of a host in one of our zones, else that of the device.
 */
function reverseZones({ masters, slaves, forwards }: View, devices: readonly Named[]): ReverseZone[] {
  const hosts = masters.flatMap(({ zone, hosts }) =>
    hosts.flatMap(({ name, ipv4 }) =>
      ipv4 ? [{ ipv4, name: name === "@" ? zone : `${name}.${zone}` }] : [],
    ),
  );
  const named = new Map<string, string>();
  for (const { ipv4, name } of [...hosts, ...devices]) if (!named.has(ipv4)) named.set(ipv4, name);
  const [first] = masters;
  const nameserver = first ? `${nameserversOf(first)[0]}.${first.zone}`.replace(/^@\./, "") : "localhost";
  const zones = new Map<string, Named[]>();
  for (const [ipv4, name] of named) {
    const zone = reverseZoneOf(ipv4);
    if (zone) zones.set(zone, [...(zones.get(zone) ?? []), { ipv4, name }]);
  }
  const declared = new Set([...masters, ...slaves, ...forwards].map(({ zone }) => zone));
  return [...zones]
    .filter(([zone]) => !declared.has(zone))
    .map(([zone, entries]) => ({ zone, nameserver, entries }))
    .sort((a, b) => (a.zone < b.zone ? -1 : 1));
}

function reverseZoneOf(ipv4: string): string | undefined {
  const [first, second = 0] = ipv4.split(".").map(Number);
  if (first === 10) return "10.in-addr.arpa";
  return first === 172 && second >= 16 && second < 32 ? `${second}.172.in-addr.arpa` : undefined;
}

function reverseRecords({ zone, nameserver, entries }: ReverseZone, serial: number): string {
  const { refresh, retry, expire, minimum } = TIMES;
  const lines = [
    `@ IN SOA ${nameserver}. nobody.${nameserver}. ${serial} ${refresh} ${retry} ${expire} ${minimum}`,
    `@ IN NS ${nameserver}.`,
    ...entries.map(
      ({ ipv4, name }) => `${ipv4.split(".").reverse().join(".")}.in-addr.arpa. IN PTR ${name}.`,
    ),
  ];
  return `${HEAD}$ORIGIN ${zone}.\n$TTL ${minimum}\n${lines.join("\n")}\n`;
}

const HEAD = "; Written by Community Box from the community's list of domains.\n";

/** First labels of its own servers' names. */
function nameserversOf({ hosts, nameserver }: Master): string[] {
  const servers = hosts.filter(({ isNameserver }) => isNameserver).map(({ name }) => name);
  return servers.length ? servers : [nameserver];
}

function records(master: Master, serial: number): string {
  const { zone, contact, hosts, delegations, domainIpv4, domainIpv6 } = master;
  const { refresh, retry, expire, minimum } = TIMES;
  const [user = "", domain = ""] = contact.split("@");
  const mailbox = `${user.replaceAll(".", "\\.")}.${domain}.`;
  const names = nameserversOf(master);
  const ownMail = hosts.filter(({ isMailserver }) => isMailserver);
  // After its own servers, in the given order.
  const last = ownMail.reduce((highest, { priority }) => Math.max(highest, priority), 0);
  const addresses = [...hosts, ...glue(master, names)];
  const lines = [
    `@ IN SOA ${names[0]} ${mailbox} ${serial} ${refresh} ${retry} ${expire} ${minimum}`,
    ...names.map((name) => `@ IN NS ${name}`),
    ...master.externalNameservers.map((name) => `@ IN NS ${name}.`),
    ...(domainIpv4 ? [`@ IN A ${domainIpv4}`, `* IN A ${domainIpv4}`] : []),
    ...(domainIpv6 ? [`@ IN AAAA ${domainIpv6}`, `* IN AAAA ${domainIpv6}`] : []),
    ...ownMail.map(({ name, priority }) => `@ IN MX ${priority} ${name}`),
    ...master.externalMail.map(
      (name, index) => `@ IN MX ${Math.min(last + 10 * (index + 1), 65_535)} ${name}.`,
    ),
    ...addresses.flatMap(({ name, ipv4, ipv6 }) => [
      ...(ipv4 && !(name === "@" && domainIpv4) ? [`${name} IN A ${ipv4}`] : []),
      ...(ipv6 && !(name === "@" && domainIpv6) ? [`${name} IN AAAA ${ipv6}`] : []),
    ]),
    ...aliases(addresses),
    ...delegations
      .filter(({ name }) => name.endsWith(`.${zone}`))
      .flatMap(({ name, nameserver: server, ipv4 }) => [
        `${name}. IN NS ${server}.`,
        ...(ipv4 && server.endsWith(`.${zone}`) ? [`${server}. IN A ${ipv4}`] : []),
      ]),
  ];
  return `${HEAD}$ORIGIN ${zone}.\n$TTL ${minimum}\n${[...new Set(lines)].join("\n")}\n`;
}

/** A name server needs an address; without one BIND rejects the whole zone. */
function glue({ hosts, ipv4 }: Master, names: readonly string[]): Host[] {
  return names
    .filter((name) => !hosts.some((host) => host.name === name && (host.ipv4 ?? host.ipv6)))
    .map((name) => ({
      ...{ name, aliases: [], isNameserver: true, isMailserver: false, priority: 10 },
      ipv4: ipv4 ?? "127.0.0.1",
    }));
}

/** No alias beside other records of the same name: BIND would reject the zone. */
function aliases(hosts: readonly Host[]): string[] {
  const taken = new Set(["@", ...hosts.filter(({ ipv4, ipv6 }) => ipv4 ?? ipv6).map(({ name }) => name)]);
  return hosts.flatMap(({ name, aliases: own }) =>
    own.flatMap((alias) => {
      const [from, to] = alias.endsWith(".") ? [name, alias] : [alias, name];
      if (taken.has(from)) return [];
      taken.add(from);
      return [`${from} IN CNAME ${to}`];
    }),
  );
}
