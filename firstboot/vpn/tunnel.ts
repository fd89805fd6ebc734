// SPDX-License-Identifier: GPL-3.0-or-later
// Does a peer answer through the VPN? Used by `verify` and `cbox status`.

import { formatIpv4, parseCidr, parseIpv4 } from "../../common/ipv4.ts";
import type { Box } from "../host/box.ts";
import type { VpnRecord } from "./record.ts";

/** Parallel pings; each is a process. */
const AT_ONCE = 4;
const MAX_TARGETS = 24;

/** The address of the first peer that answers a ping through the VPN, or undefined. */
export async function askPeers(
  box: Box,
  network: string,
  targets: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  for (let index = 0; index < targets.length; index += AT_ONCE) {
    signal?.throwIfAborted();
    const group = targets.slice(index, index + AT_ONCE);
    const answers = await Promise.all(group.map((target) => answersPing(box, network, target)));
    const first = group.find((_, place) => answers[place]);
    if (first !== undefined) return first;
  }
  return undefined;
}

/**
 * The addresses to ping, best first. A switch's peers may have no address in their files; then the lowest addresses
 * of the VPN, since rendezvous assign them in order and the gateways joined first.
 */
export function targetsOf({ address, peers }: Pick<VpnRecord, "address" | "peers">): readonly string[] {
  const known = peers.flatMap(({ inside }) => inside ?? []);
  const range = parseCidr(address);
  if (known.length > 0 || !range) return known.slice(0, MAX_TARGETS);
  const own = range.address;
  const lowest = Array.from({ length: MAX_TARGETS }, (_, index) => range.network + 1 + index);
  // The box that joined just before this one may be the only other one.
  const near = [own - 1, own - 2, own + 1];
  const isPossible = (one: number) => one > range.network && one < range.broadcast && one !== own;
  return [...new Set([...near, ...lowest].filter(isPossible).map(formatIpv4))].slice(0, MAX_TARGETS);
}

async function answersPing(box: Box, network: string, target: string): Promise<boolean> {
  if (parseIpv4(target) === undefined) return false;
  const { code } = await box.run("ping", ["-4", "-n", "-q", "-c", "1", "-W", "1", "-I", network, target]);
  return code === 0;
}
