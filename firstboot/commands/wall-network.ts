// SPDX-License-Identifier: GPL-3.0-or-later
// Parses a network typed for `cbox contexts walls open` and normalizes it.

import { isIPv6 } from "node:net";
import { fail } from "../../common/fail.ts";
import { formatIpv4, isHostAddress, parseCidr } from "../../common/ipv4.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr } from "../host/found-text.ts";

/** "10.1.2.9/27" -> "10.1.2.0/27". Throws Failure `wall-network`. */
export function parseNetwork(text: string): string {
  const network = text.includes(":") ? parseIpv6Network(text) : parseIpv4Network(text);
  return (
    network ??
    fail({
      code: "wall-network",
      ...errorText("error.wall-network"),
      ...saidOr(text, "found.nothing"),
      exitCode: 2,
    })
  );
}

/** Shorter prefixes would open more than intended. */
const LEAST_IPV4 = 8;
const LEAST_IPV6 = 16;

function parseIpv4Network(text: string): string | undefined {
  const range = parseCidr(text.includes("/") ? text : `${text}/32`);
  if (!range || range.prefix < LEAST_IPV4 || !isHostAddress(range.network)) return undefined;
  return `${formatIpv4(range.network)}/${range.prefix}`;
}

function parseIpv6Network(text: string): string | undefined {
  const [address = "", digits = "128", more] = text.toLowerCase().split("/");
  const prefix = /^[1-9]\d{0,2}$/.test(digits) ? Number(digits) : 0;
  // A zone ("%eth0") is not part of a network, and an embedded IPv4 address needs its own network.
  if (more !== undefined || !/^[0-9a-f:]+$/.test(address) || !isIPv6(address)) return undefined;
  if (prefix < LEAST_IPV6 || prefix > 128) return undefined;
  const masked = groupsOf(address).map((group, index) => {
    const bits = Math.min(16, Math.max(0, prefix - 16 * index));
    return group & (0xffff << (16 - bits)) & 0xffff;
  });
  // The shortest form, by RFC 5952.
  const host = new URL(`http://[${masked.map((group) => group.toString(16)).join(":")}]/`).hostname;
  return `${host.slice(1, -1)}/${prefix}`;
}

function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const groups = (part: string) => (part ? part.split(":").map((group) => Number.parseInt(group, 16)) : []);
  const [before, after] = [groups(head), groups(tail ?? "")];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
