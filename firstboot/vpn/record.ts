// SPDX-License-Identifier: GPL-3.0-or-later
// What the box knows of its VPN beside tinc's own files: readable by everyone, so that `cbox status` works for all.

import type { FailureValues } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";
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
  /** Since when the box waits for a gateway that does not know it yet (ISO 8601); absent once somebody has answered. */
  readonly waiting_since?: string;
  /** Who else was found to have this box's address. */
  readonly same_address?: string;
  readonly peers: readonly { readonly name: string; readonly address?: string; readonly inside?: string }[];
}

/** The last answer through the VPN; gone after a restart. */
export interface LastAnswer {
  readonly at: string;
  readonly from: string;
}

/** What came of asking the rendezvous again; gone after a restart. */
export interface LastAsked {
  /** Both ISO 8601. */
  readonly at: string;
  /** The last time that an answer was taken. */
  readonly answered?: string;
  /** The code of the error, when it was not taken this time. */
  readonly failed?: string;
  /** What was found then, for the sentence about it. */
  readonly details?: FailureValues;
  /** What the box needs outside of the VPN and has come to lie in it since the box joined. */
  readonly held?: { readonly network: string; readonly address: string; readonly name: string };
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
  origin: Pick<VpnRecord, "rendezvous" | "mac" | "waiting_since" | "same_address">,
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
  await put(box, record);
}

/** What was seen of the VPN since the record was read; undefined takes an entry away. */
export async function noteSeen(
  box: Box,
  record: VpnRecord,
  seen: { readonly [entry in "waiting_since" | "same_address"]?: string | undefined },
): Promise<void> {
  const { peers, ...rest } = { ...record, ...seen };
  const entries = Object.entries(rest).filter(([, value]) => value !== undefined);
  await put(box, { ...(Object.fromEntries(entries) as Omit<VpnRecord, "peers">), peers });
}

async function put(box: Box, record: VpnRecord): Promise<void> {
  await writeIfChanged(box, paths.vpn, `${JSON.stringify(record, undefined, 2)}\n`);
}

export async function readLastAnswer(box: Pick<Box, "readFile">): Promise<LastAnswer | undefined> {
  return parseJson<LastAnswer | undefined>((await box.readFile(paths.vpnAnswer)) ?? "", undefined);
}

export async function writeLastAnswer(box: Box, from: string): Promise<void> {
  const answer: LastAnswer = { at: box.now().toISOString(), from };
  await box.writeFile(paths.vpnAnswer, `${JSON.stringify(answer)}\n`);
}

export async function readLastAsked(box: Pick<Box, "readFile">): Promise<LastAsked | undefined> {
  return parseJson<LastAsked | undefined>((await box.readFile(paths.vpnAsked)) ?? "", undefined);
}

/** The address of a peer in the VPN, where it was told. */
function insideAddress(subnets: readonly string[]): string | undefined {
  return subnets.find((subnet) => subnet.endsWith("/32"))?.slice(0, -"/32".length);
}
