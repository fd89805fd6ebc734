// SPDX-License-Identifier: GPL-3.0-or-later
// The networks in which a rendezvous may assign this box an address. All traffic to that network goes through the VPN
// afterwards, so a forged reply must not choose it freely.

import { fail } from "../../common/fail.ts";
import { contains, formatIpv4, parseCidr } from "../../common/ipv4.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Membership } from "./membership.ts";
import type { VpnRecord } from "./record.ts";

/** Private addresses (RFC 1918). */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
/** Used if the community does not list its ranges. */
const SHORTEST_PREFIX = 16;

interface Allowed {
  readonly ranges: readonly string[];
  /** A network of the VPN has at least this prefix length. */
  readonly shortestPrefix: number;
}

/** The community's ranges apply to its own VPN; the default applies to all others. */
export function allowedRanges({ community: { vpn } }: ImageInfo, network: string): Allowed {
  return vpn.ranges && network === vpn.network
    ? { ranges: vpn.ranges, shortestPrefix: 8 }
    : { ranges: PRIVATE, shortestPrefix: SHORTEST_PREFIX };
}

/** "10.228.0.0/24" of "10.228.0.7/24". */
export function networkOf(address: string): string {
  const range = parseCidr(address);
  return range ? `${formatIpv4(range.network)}/${range.prefix}` : address;
}

/** Whether the box is already in this network of this VPN. */
export function isInAlready(
  record: VpnRecord | undefined,
  network: string,
  { address }: Membership,
): boolean {
  return record?.network === network && networkOf(record.address) === networkOf(address);
}

/**
 * Fails with `vpn-range-refused`. A network that the box is already in stays allowed: the rule may be newer than the
 * set-up.
 */
export function refuseRange(
  image: ImageInfo,
  network: string,
  membership: Membership,
  host: string,
  record: VpnRecord | undefined,
): void {
  if (isInAlready(record, network, membership)) return;
  const { ranges, shortestPrefix } = allowedRanges(image, network);
  const range = parseCidr(membership.address);
  const isInside = ranges.some((text) => {
    const allowed = parseCidr(text);
    return range && allowed && contains(allowed, range.network) && contains(allowed, range.broadcast);
  });
  if (range && isInside && range.prefix >= shortestPrefix) return;
  fail({
    code: "vpn-range-refused",
    what: "The rendezvous gives the box an address in a network that the VPN may not have; nothing was changed.",
    ...sayFound("found.vpn-range", {
      ...{ host, network: networkOf(membership.address), ranges: ranges.join(", "), prefix: shortestPrefix },
    }),
    hint: "Tell the community (vpn.ranges of its file names what is allowed), or go on without the VPN.",
  });
}
