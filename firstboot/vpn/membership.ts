// SPDX-License-Identifier: GPL-3.0-or-later
// A box's membership of a VPN: its name and address there, and the peers. From a rendezvous or an answers file, all
// of it is validated here. It does not restrict neighbours: the subnets that one claims by tinc's protocol override
// these.

import { contains, formatIpv4, isHostAddress, parseCidr, parseIpv4 } from "../../common/ipv4.ts";
import { readPublicKey } from "./keys.ts";

export const MODES = ["router", "switch", "hub"] as const;
export type Mode = (typeof MODES)[number];

export interface Peer {
  readonly name: string;
  /** Address outside the VPN; absent behind NAT. */
  readonly address?: string;
  readonly port: number;
  /** Its subnets in the VPN, as address/prefix. */
  readonly subnets: readonly string[];
  /** RSA, PEM (PKCS #1). */
  readonly key: string;
}

export interface Membership {
  /** This box's name. */
  readonly name: string;
  /** This box's address in the VPN, with the VPN's prefix: 10.228.0.7/24. */
  readonly address: string;
  readonly mode: Mode;
  /** TCP and UDP port that this box listens on. */
  readonly port: number;
  readonly peers: readonly Peer[];
}

export type FaultReason =
  | "missing"
  | "name"
  | "address"
  | "mode"
  | "port"
  | "public-address"
  | "no-box"
  | "subnet"
  | "key"
  | "twice"
  | "too-many";

export interface Fault {
  /** Such as "address" or "hosts[2].key". */
  readonly at: string;
  readonly reason: FaultReason;
}

export interface ReadMembership {
  /** Absent if the part about this box is invalid. Invalid peers are left out. */
  readonly membership?: Membership;
  readonly faults: readonly Fault[];
}

export const TINC_PORT = 655;
const MAX_HOSTS = 512;
const LINK_LOCAL = { network: 0xa9fe0000, broadcast: 0xa9feffff };
const NAME = /^[A-Za-z0-9_]{1,64}$/;

export function isVpnName(text: unknown): text is string {
  return typeof text === "string" && NAME.test(text);
}

/**
 * Reads `{name, address, mode?, port?, hosts: [{name, address?, port?, subnets?, key}]}` from an untrusted source.
 * `uncallable`: addresses that no peer can have, such as the router's.
 */
export function readMembership(raw: unknown, uncallable: ReadonlySet<number> = new Set()): ReadMembership {
  if (!isRecord(raw)) return { faults: [{ at: "", reason: "missing" }] };
  const { name, address, mode = "router", port = TINC_PORT, hosts } = raw;
  const faults: Fault[] = [];
  const own = ownRange(address);
  if (!isVpnName(name)) faults.push({ at: "name", reason: "name" });
  if (!own) faults.push({ at: "address", reason: "address" });
  if (!isMode(mode)) faults.push({ at: "mode", reason: "mode" });
  if (!isPort(port)) faults.push({ at: "port", reason: "port" });
  if (!Array.isArray(hosts)) faults.push({ at: "hosts", reason: "missing" });
  else if (hosts.length > MAX_HOSTS) faults.push({ at: "hosts", reason: "too-many" });
  if (faults.length || !isVpnName(name) || !own || !isMode(mode) || !isPort(port) || !Array.isArray(hosts)) {
    return { faults };
  }

  const peers = new Map<string, Peer>();
  for (const [index, host] of hosts.entries()) {
    const read = readPeer(host, own, uncallable);
    if ("fault" in read) faults.push({ at: `hosts[${index}]${read.at}`, reason: read.fault });
    // Some lists include the box itself; its own file is made from its own key.
    else if (read.name === name) continue;
    else if (peers.has(read.name)) faults.push({ at: `hosts[${index}].name`, reason: "twice" });
    else peers.set(read.name, read);
  }
  const text = `${formatIpv4(own.address)}/${own.prefix}`;
  return { membership: { name, address: text, mode, port, peers: [...peers.values()] }, faults };
}

type Range = NonNullable<ReturnType<typeof parseCidr>>;

/** A valid host address, in a range that is neither a single host nor unreasonably large. */
function ownRange(address: unknown): Range | undefined {
  const cidr = typeof address === "string" ? parseCidr(address) : undefined;
  if (!cidr || cidr.prefix < 8 || cidr.prefix > 30 || !isHostAddress(cidr.address)) return undefined;
  return cidr.address === cidr.network || cidr.address === cidr.broadcast ? undefined : cidr;
}

function readPeer(
  host: unknown,
  range: Range,
  uncallable: ReadonlySet<number>,
): Peer | { readonly at: string; readonly fault: FaultReason } {
  if (!isRecord(host)) return { at: "", fault: "missing" };
  const { name, address, port = TINC_PORT, subnets = [], key } = host;
  if (!isVpnName(name)) return { at: ".name", fault: "name" };
  if (address !== undefined && !isPublicAddress(address, range))
    return { at: ".address", fault: "public-address" };
  if (!mayBeCalled(address, uncallable)) return { at: ".address", fault: "no-box" };
  if (!isPort(port)) return { at: ".port", fault: "port" };
  const inside = Array.isArray(subnets)
    ? subnets.map((subnet: unknown) => subnetIn(subnet, range))
    : [undefined];
  if (!inside.every((subnet) => subnet !== undefined)) return { at: ".subnets", fault: "subnet" };
  const pem = typeof key === "string" ? readPublicKey(key) : undefined;
  if (!pem) return { at: ".key", fault: "key" };
  return {
    name,
    ...(typeof address === "string" ? { address: formatIpv4(parseIpv4(address) ?? 0) } : {}),
    port,
    subnets: inside,
    key: pem,
  };
}

/** A tunnel to an address inside the tunnel would be routed into itself. */
function isPublicAddress(address: unknown, range: Range): boolean {
  const number = typeof address === "string" ? parseIpv4(address) : undefined;
  return number !== undefined && isHostAddress(number) && !contains(range, number);
}

/** Neither the router, to which tinc would connect, nor link-local (RFC 3927). The address may be absent. */
function mayBeCalled(address: unknown, uncallable: ReadonlySet<number>): boolean {
  const number = typeof address === "string" ? parseIpv4(address) : undefined;
  return number === undefined || !(uncallable.has(number) || contains(LINK_LOCAL, number));
}

/** The normalized subnet, or undefined if it is not inside the VPN. A single address is a /32. */
function subnetIn(subnet: unknown, range: Range): string | undefined {
  if (typeof subnet !== "string") return undefined;
  const cidr = parseCidr(subnet.includes("/") ? subnet : `${subnet}/32`);
  if (!cidr || !contains(range, cidr.network) || !contains(range, cidr.broadcast)) return undefined;
  return `${formatIpv4(cidr.address)}/${cidr.prefix}`;
}

function isMode(value: unknown): value is Mode {
  return MODES.some((mode) => mode === value);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
