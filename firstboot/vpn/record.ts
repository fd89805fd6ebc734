// SPDX-License-Identifier: GPL-3.0-or-later
// The box's VPN membership, in addition to tinc's own files: readable by everyone, for `cbox status`.

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
  /** URL of the rendezvous; absent if the answers file had a bundle. */
  readonly rendezvous?: string;
  /** The MAC address that identifies this box to the rendezvous. Stored: another card may come first later. */
  readonly mac?: string;
  /** Since when the box waits for a gateway that does not know it yet (ISO 8601); absent once a peer has answered. */
  readonly waiting_since?: string;
  /** Another machine with this box's address, if one was found. */
  readonly same_address?: string;
  readonly peers: readonly { readonly name: string; readonly address?: string; readonly inside?: string }[];
}

/** The last answer through the VPN; lost at a restart. */
export interface LastAnswer {
  readonly at: string;
  readonly from: string;
}

/** The result of the last request to the rendezvous; lost at a restart. */
export interface LastAsked {
  /** Both ISO 8601. */
  readonly at: string;
  /** The last time that a reply was accepted. */
  readonly answered?: string;
  /** The error code, if the last request failed. */
  readonly failed?: string;
  /** What was found then, for the error text. */
  readonly details?: FailureValues;
  /** A host that the box needs outside the VPN and that has come to be in the VPN's network since the box joined. */
  readonly held?: { readonly network: string; readonly address: string; readonly name: string };
}

/** Undefined if the box is in no VPN, or the file is unreadable. */
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

/** Updates what was observed since the record was read; undefined removes an entry. */
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

/** A peer's address in the VPN, if it is known. */
function insideAddress(subnets: readonly string[]): string | undefined {
  return subnets.find((subnet) => subnet.endsWith("/32"))?.slice(0, -"/32".length);
}
