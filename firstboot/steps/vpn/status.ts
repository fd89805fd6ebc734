// SPDX-License-Identifier: GPL-3.0-or-later
// How the VPN is doing: who the box is there, and whether somebody answers right now.

import type { Box } from "../../box.ts";
import { readLastAnswer, readRecord } from "../../vpn/record.ts";
import { askPeers, targetsOf } from "../../vpn/tunnel.ts";
import type { StepStatus } from "../step.ts";
import { wasPassed } from "../was-passed.ts";

/** A person waits for this: whoever answered before, and a few others, once. */
const MAX_TARGETS = 4;

export async function status(box: Box): Promise<StepStatus> {
  const record = await readRecord(box);
  if (!record) return notJoined(box);
  const { network, name, address, mode, peers, rendezvous } = record;
  const last = await readLastAnswer(box);
  const targets = [...new Set([...(last ? [last.from] : []), ...targetsOf(record)])].slice(0, MAX_TARGETS);
  const from = await askPeers(box, network, targets);
  const answer = from ? { from, at: box.now().toISOString() } : last;
  const isWell = from !== undefined || peers.length === 0;
  return {
    state: isWell ? "works" : "trouble",
    rows: [
      { label: "status.vpn.network", value: `${network} (${mode})` },
      { label: "status.vpn.address", value: `${address}, ${name}` },
      { label: "status.vpn.peers", value: peerNames(peers) },
      ...(answer
        ? [
            {
              label: "status.vpn.answer" as const,
              value: `${answer.from}, ${answer.at.slice(0, 16).replace("T", " ")} UTC`,
            },
          ]
        : []),
    ],
    ...(isWell
      ? {}
      : { advice: { key: "status.vpn.advice" as const, values: { command: "sudo cbox vpn setup" } } }),
    data: {
      joined: true,
      network,
      name,
      address,
      mode,
      rendezvous: rendezvous ?? null,
      peers: peers.map((peer) => ({ ...peer })),
      answers: from !== undefined,
      last_answer: answer ? { ...answer } : null,
    },
  };
}

function peerNames(peers: readonly { readonly name: string }[]): string {
  const shown = peers.slice(0, 3).map(({ name }) => name);
  return `${peers.length}${shown.length ? `: ${shown.join(", ")}${peers.length > shown.length ? ", ..." : ""}` : ""}`;
}

/** Not wanted, or not managed in the set-up. */
async function notJoined(box: Box): Promise<StepStatus> {
  const data = { joined: false };
  if (!(await wasPassed(box, "vpn"))) return { state: "off", rows: [], data };
  const advice = { key: "status.vpn.later", values: { command: "sudo cbox vpn setup" } } as const;
  return { state: "trouble", rows: [], advice, data };
}
