// SPDX-License-Identifier: GPL-3.0-or-later
// Hosts that the box needs outside of the VPN: its router, name servers, and the community's servers. None of them
// may be in the VPN's network, where another member could answer in its place.

import { fail } from "../../common/fail.ts";
import { contains, formatIpv4, parseCidr, parseIpv4 } from "../../common/ipv4.ts";
import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Address } from "../host/network-facts.ts";
import type { Membership } from "./membership.ts";
import { networkOf } from "./ranges.ts";

const KINDS = ["router", "name-server", "rendezvous", "directory", "api", "time", "serf", "mirror"] as const;
type Kind = (typeof KINDS)[number];

/** A host that the box needs, by name or address. */
interface Needed {
  readonly kind: Kind;
  readonly host: string;
}

interface Route {
  readonly gateway?: string;
  readonly nexthops?: readonly { readonly gateway?: string }[];
}

/** Milliseconds per name. A name that is not resolved by then is not compared. */
const PATIENCE = 5000;
/** The file of systemd-resolved lists the actual servers of all interfaces. */
const RESOLVERS = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];
const APT_SOURCES = "/etc/apt/sources.list.d";

/** IPv4 addresses of the default routes. */
export async function routers(box: Box): Promise<readonly string[]> {
  const { code, stdout } = await box.run("ip", ["-json", "-4", "route", "show", "default"]);
  const routes = code === 0 ? parseJson<readonly Route[]>(stdout, []) : [];
  const found = routes.flatMap(({ gateway, nexthops = [] }) => [
    gateway,
    ...nexthops.map((hop) => hop.gateway),
  ]);
  return [...new Set(found.filter((each) => each !== undefined))];
}

/** Addresses that no peer can have: the router's, and network addresses of the box's own interfaces. */
export async function uncallable(box: Box, outside: readonly Address[]): Promise<ReadonlySet<number>> {
  const whole = outside.flatMap(({ address, prefix }) => {
    const own = parseCidr(`${address}/${prefix}`);
    return own && own.prefix < 31 ? [own.network, own.broadcast] : [];
  });
  const ofRouters = (await routers(box)).map(parseIpv4).filter((each) => each !== undefined);
  return new Set([...whole, ...ofRouters]);
}

/** A needed host that is in the network of this membership. */
export interface Held {
  readonly kind: Kind;
  readonly network: string;
  readonly address: string;
  readonly name: string;
}

/** The first one found. `rendezvous`: its URL; undefined: a bundle was used. */
export async function findHeld(
  box: Box,
  image: ImageInfo,
  { address }: Membership,
  rendezvous: string | undefined,
): Promise<Held | undefined> {
  const range = parseCidr(address);
  for (const { kind, host, addresses } of await lookUp(box, await needed(box, image, rendezvous))) {
    const held = addresses.find((each) => range && contains(range, each));
    if (held !== undefined)
      return { kind, network: networkOf(address), address: formatIpv4(held), name: host };
  }
  return undefined;
}

/** Fails with `vpn-range-holds`. */
export async function refuseHeld(...asked: Parameters<typeof findHeld>): Promise<void> {
  const held = await findHeld(...asked);
  if (!held) return;
  const { kind, ...values } = held;
  fail({
    code: "vpn-range-holds",
    what: "The VPN would take an address that the box needs outside of it; nothing was changed.",
    ...sayFound(`found.vpn-holds-${kind}`, values),
    hint: "Tell who looks after the VPN which address it is, or go on without the VPN.",
  });
}

async function needed(
  box: Box,
  { community }: ImageInfo,
  rendezvous: string | undefined,
): Promise<readonly Needed[]> {
  const { ldap, api, serf, ntp } = community;
  const found: Readonly<Record<Kind, readonly string[]>> = {
    router: await routers(box),
    "name-server": await nameServers(box),
    rendezvous: rendezvous === undefined ? [] : [hostOf(rendezvous)],
    directory: ldap.servers.map(hostOf),
    api: [api.url, api.auth_url, api.cnml_url].map(hostOf),
    time: [...ntp.servers, ...(await timeServers(box))],
    serf: serf.bootstrap.map((each) => each.slice(0, each.lastIndexOf(":"))),
    mirror: await mirrors(box),
  };
  return KINDS.flatMap((kind) => [...new Set(found[kind])].map((host) => ({ kind, host })));
}

async function nameServers(box: Box): Promise<readonly string[]> {
  const texts = await Promise.all(RESOLVERS.map((path) => box.readFile(path)));
  return texts.flatMap((text = "") =>
    [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = ""]) => server),
  );
}

/** Including those from a DHCP server. */
async function timeServers(box: Box): Promise<readonly string[]> {
  const names = ["LinkNTPServers", "SystemNTPServers"];
  const { code, stdout } = await box.run("timedatectl", [
    "show-timesync",
    ...names.map((name) => `--property=${name}`),
  ]);
  if (code !== 0) return [];
  return [...stdout.matchAll(/^\w+NTPServers=(.*)$/gm)]
    .flatMap(([, list = ""]) => list.split(/\s+/))
    .filter(Boolean);
}

async function mirrors(box: Box): Promise<readonly string[]> {
  const names = await box.list(APT_SOURCES);
  const paths = ["/etc/apt/sources.list", ...names.map((name) => `${APT_SOURCES}/${name}`)];
  const texts = await Promise.all(paths.map((path) => box.readFile(path)));
  const urls = texts.flatMap((text = "") => [...text.matchAll(/^[^#\n]*?(https?:\/\/[^\s\]]+)/gm)]);
  return urls.flatMap(([, url = ""]) => (URL.canParse(url) ? [hostOf(url)] : []));
}

async function lookUp(box: Box, hosts: readonly Needed[]) {
  const names = [...new Set(hosts.map(({ host }) => host))];
  const addresses = new Map(
    await Promise.all(names.map(async (name) => [name, await addressesOf(box, name)] as const)),
  );
  return hosts.map((each) => ({ ...each, addresses: addresses.get(each.host) ?? [] }));
}

async function addressesOf(box: Box, host: string): Promise<readonly number[]> {
  const own = parseIpv4(host);
  if (own !== undefined) return [own];
  // An IPv6 address is in no range of the VPN.
  if (!/^[A-Za-z0-9.-]+$/.test(host)) return [];
  const { code, stdout } = await box.run("getent", ["ahostsv4", host], { timeout: PATIENCE });
  if (code !== 0) return [];
  const found = stdout.split("\n").map((line) => parseIpv4(line.split(/\s/, 1).join("")));
  return found.filter((each) => each !== undefined);
}

const hostOf = (url: string) => new URL(url).hostname;
