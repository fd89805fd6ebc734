// SPDX-License-Identifier: GPL-3.0-or-later
// What the box knows of its VPN beside tinc's own files: readable by everyone, so that `cbox status` works for all.

import { type Box, writeIfChanged } from "../box.ts";
import { paths } from "../paths.ts";
import { parseJson } from "../world.ts";
import type { Membership, Mode } from "./membership.ts";
import { NETWORK_NAME } from "./paths.ts";

export interface VpnRecord {
  readonly network: string;
  readonly name: string;
  readonly address: string;
  readonly mode: Mode;
  /** The address of the rendezvous; absent when the answers file had it all. */
  readonly rendezvous?: string;
  /** By which the rendezvous knows this box. Kept although another card may be the first one tomorrow. */
  readonly mac?: string;
  readonly peers: readonly { readonly name: string; readonly address?: string; readonly inside?: string }[];
}

/** The last answer through the VPN; gone after a restart. */
export interface LastAnswer {
  readonly at: string;
  readonly from: string;
}

/** Undefined when the box is in none, or nobody can read what was written. */
export async function readRecord(box: Pick<Box, "readFile">): Promise<VpnRecord | undefined> {
  const record = parseJson<Partial<VpnRecord> | undefined>((await box.readFile(paths.vpn)) ?? "", undefined);
  const isWhole = NETWORK_NAME.test(record?.network ?? "") && Array.isArray(record?.peers);
  return isWhole ? (record as VpnRecord) : undefined;
}

export async function writeRecord(
  box: Box,
  network: string,
  { name, address, mode, peers }: Membership,
  origin: { readonly rendezvous?: string; readonly mac?: string },
): Promise<void> {
  const record: VpnRecord = {
    network,
    name,
    address,
    mode,
    ...origin,
    peers: peers.map((peer) => {
      const inside = insideAddress(peer.subnets);
      return {
        name: peer.name,
        ...(peer.address === undefined ? {} : { address: peer.address }),
        ...(inside === undefined ? {} : { inside }),
      };
    }),
  };
  await writeIfChanged(box, paths.vpn, `${JSON.stringify(record, undefined, 2)}\n`);
}

export async function readLastAnswer(box: Pick<Box, "readFile">): Promise<LastAnswer | undefined> {
  return parseJson<LastAnswer | undefined>((await box.readFile(paths.vpnAnswer)) ?? "", undefined);
}

/** The address of a peer in the VPN, where it was told. */
function insideAddress(subnets: readonly string[]): string | undefined {
  return subnets.find((subnet) => subnet.endsWith("/32"))?.slice(0, -"/32".length);
}
