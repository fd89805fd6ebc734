// SPDX-License-Identifier: GPL-3.0-or-later
// Writes what BIND reads: for each view the list of its zones, and for each zone of ours its records.

import type { Elsewhere, Host, Master, View } from "./domains.ts";

/** Seconds, as the community's servers have always said. */
const TIMES = { refresh: 43_200, retry: 7_200, expire: 1_209_600, minimum: 7_200 };

export interface ZoneFiles {
  /** Statements to include in the view. */
  readonly config: string;
  /** Records, by name of the file. */
  readonly files: ReadonlyMap<string, string>;
}

/** `directory` is where the files will be, `view` part of their names, `serial` rises with every change. */
export function zoneFiles(
  view: View,
  { directory, name, serial }: { readonly directory: string; readonly name: string; readonly serial: number },
): ZoneFiles {
  const fileOf = ({ zone }: Master) => `${name}.${zone}`;
  const lists = (servers: readonly string[]) => servers.map((server) => `${server};`).join(" ");
  const copied = ({ zone, servers }: Elsewhere) =>
    `zone "${zone}" { type secondary; file "/var/cache/bind/${name}.${zone}"; primaries { ${lists(servers)} }; };`;
  const asked = ({ zone, servers }: Elsewhere) =>
    `zone "${zone}" { type forward; forward first; forwarders { ${lists(servers)} }; };`;
  const own = (master: Master) =>
    `zone "${master.zone}" { type primary; file "${directory}/${fileOf(master)}"; notify yes; ` +
    `allow-transfer { ${master.mayBeCopied ? "any" : "none"}; }; };`;
  // Names of the community alone, such as guifi.local, which nobody could sign.
  const unsigned = view.forwards.map(({ zone }) => `"${zone}";`).join(" ");
  const lines = [
    ...(unsigned ? [`validate-except { ${unsigned} };`] : []),
    ...view.masters.map(own),
    ...view.slaves.map(copied),
    ...view.forwards.map(asked),
  ];
  return {
    config: lines.map((line) => `${line}\n`).join(""),
    files: new Map(view.masters.map((master) => [fileOf(master), records(master, serial)])),
  };
}

function records(master: Master, serial: number): string {
  const { zone, nameserver, contact, hosts, delegations, domainIpv4 } = master;
  const { refresh, retry, expire, minimum } = TIMES;
  const [user = "", domain = ""] = contact.split("@");
  const mailbox = `${user.replaceAll(".", "\\.")}.${domain}.`;
  const servers = hosts.filter(({ isNameserver }) => isNameserver).map(({ name }) => name);
  const names = servers.length ? servers : [nameserver];
  const addresses = [...hosts, ...glue(master, names)];
  const lines = [
    `@ IN SOA ${names[0]} ${mailbox} ${serial} ${refresh} ${retry} ${expire} ${minimum}`,
    ...names.map((name) => `@ IN NS ${name}`),
    ...(domainIpv4 ? [`@ IN A ${domainIpv4}`, `* IN A ${domainIpv4}`] : []),
    ...hosts
      .filter(({ isMailserver }) => isMailserver)
      .map(({ name, priority }) => `@ IN MX ${priority} ${name}`),
    ...addresses.flatMap(({ name, ipv4, ipv6 }) => [
      ...(ipv4 && !(name === "@" && domainIpv4) ? [`${name} IN A ${ipv4}`] : []),
      ...(ipv6 ? [`${name} IN AAAA ${ipv6}`] : []),
    ]),
    ...aliases(addresses),
    ...delegations
      .filter(({ name }) => name.endsWith(`.${zone}`))
      .flatMap(({ name, nameserver: server, ipv4 }) => [
        `${name}. IN NS ${server}.`,
        ...(ipv4 && server.endsWith(`.${zone}`) ? [`${server}. IN A ${ipv4}`] : []),
      ]),
  ];
  return `; Written by Community Box from the community's list of domains.\n$ORIGIN ${zone}.\n$TTL ${minimum}\n${[...new Set(lines)].join("\n")}\n`;
}

/** A name server must have an address; without one the zone is refused as a whole. */
function glue({ hosts, ipv4 }: Master, names: readonly string[]): Host[] {
  return names
    .filter((name) => !hosts.some((host) => host.name === name && (host.ipv4 ?? host.ipv6)))
    .map((name) => ({
      ...{ name, aliases: [], isNameserver: true, isMailserver: false, priority: 10 },
      ipv4: ipv4 ?? "127.0.0.1",
    }));
}

/** No alias beside other records of the same name: BIND refuses the zone for that. */
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
