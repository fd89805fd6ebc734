// SPDX-License-Identifier: GPL-3.0-or-later
// The state of the VPN: the box's address, whether a peer answers now, and when the rendezvous last sent the peers.

import type { Value } from "../../../common/json.ts";
import type { Box } from "../../host/box.ts";
import type { TextKey } from "../../i18n/translate.ts";
import type { StepStatus } from "../../setup/step.ts";
import { networkOf } from "../../vpn/ranges.ts";
import {
  type LastAsked,
  readLastAnswer,
  readLastAsked,
  readRecord,
  type VpnRecord,
} from "../../vpn/record.ts";
import { isPlain } from "../../vpn/rendezvous.ts";
import { askPeers, targetsOf } from "../../vpn/tunnel.ts";
import { wasSkipped } from "../was-passed.ts";

/** A person waits for this: the peer that answered last and a few others are tried once. */
const MAX_TARGETS = 4;

export async function status(box: Box): Promise<StepStatus> {
  const record = await readRecord(box);
  if (!record) return notJoined(box);
  const { network, name, address, mode, peers, rendezvous, waiting_since, same_address } = record;
  const last = await readLastAnswer(box);
  const asked = await readLastAsked(box);
  const targets = [...new Set([...(last ? [last.from] : []), ...targetsOf(record)])].slice(0, MAX_TARGETS);
  const from = await askPeers(box, network, targets);
  const answer = from ? { from, at: box.now().toISOString() } : last;
  const state = stateOf(record, from);
  return {
    state,
    rows: [
      { label: "status.vpn.network", value: `${network} (${mode})` },
      { label: "status.vpn.address", value: `${address}, ${name}` },
      { label: "status.vpn.range", value: networkOf(address) },
      ...rendezvousRow(rendezvous),
      { label: "status.vpn.peers", value: peerNames(peers) },
      ...(answer
        ? [{ label: "status.vpn.answer" as const, value: `${answer.from}, ${minute(answer.at)}` }]
        : []),
      ...askedRows(asked),
    ],
    ...adviceOf(state, record, asked),
    data: {
      joined: true,
      network,
      name,
      address,
      mode,
      range: networkOf(address),
      rendezvous: rendezvous ?? null,
      plain_http: rendezvous === undefined ? null : isPlain(rendezvous),
      peers: peers.map((peer) => ({ ...peer })),
      answers: from !== undefined,
      last_answer: answer ? { ...answer } : null,
      last_asked: asked ? asData(asked) : null,
      same_address: same_address ?? null,
      waiting_since: state === "waiting" ? (waiting_since ?? null) : null,
    },
  };
}

const asData = (asked: LastAsked) => JSON.parse(JSON.stringify(asked)) as { [name: string]: Value };

/** Which server assigned the address, and whether its reply could have been forged on the way. */
function rendezvousRow(url: string | undefined): StepStatus["rows"] {
  if (url === undefined) return [];
  const text = { key: "status.vpn.by-plain", values: { url } } as const;
  return [{ label: "status.vpn.rendezvous", value: url, ...(isPlain(url) ? { text } : {}) }];
}

const JOIN = "sudo cbox vpn setup";

/** Valid replies that the box rejects: it keeps its current membership. */
const REFUSED: ReadonlyMap<string | undefined, TextKey> = new Map([
  ["vpn-range-refused", "status.vpn.range-refused"],
  ["vpn-range-holds", "status.vpn.range-holds"],
  ["vpn-gateway-key", "status.vpn.gateway-key"],
  ["vpn-gateway-missing", "status.vpn.gateway-missing"],
]);

function stateOf(
  { peers, waiting_since, same_address }: VpnRecord,
  from: string | undefined,
): StepStatus["state"] {
  if (same_address !== undefined) return "trouble";
  // The first box of a VPN has no peers, which is correct.
  if (from !== undefined || peers.length === 0) return "works";
  return waiting_since === undefined ? "trouble" : "waiting";
}

function adviceOf(
  state: StepStatus["state"],
  { address, same_address: other, waiting_since = "" }: VpnRecord,
  asked: LastAsked | undefined,
): Pick<StepStatus, "advice"> {
  const [own = ""] = address.split("/");
  if (other !== undefined)
    return { advice: { key: "status.vpn.same-address", values: { address: own, other } } };
  if (asked?.failed === "rendezvous-empty")
    return { advice: { key: "status.vpn.empty", values: { command: JOIN } } };
  const key = REFUSED.get(asked?.failed);
  if (key && asked?.details) return { advice: { key, values: asked.details } };
  if (asked?.held) {
    const { network, address: held } = asked.held;
    return { advice: { key: "status.vpn.held", values: { network, address: held, command: JOIN } } };
  }
  if (state === "trouble") return { advice: { key: "status.vpn.advice", values: { command: JOIN } } };
  if (state === "waiting")
    return { advice: { key: "status.vpn.waiting", values: { since: minute(waiting_since) } } };
  return {};
}

/** The result of the last request to the rendezvous. */
function askedRows(asked: LastAsked | undefined): StepStatus["rows"] {
  const { at, answered, failed } = asked ?? {};
  return [
    ...(answered === undefined ? [] : [{ label: "status.vpn.asked" as const, value: minute(answered) }]),
    ...(at === undefined || failed === undefined
      ? []
      : [{ label: "status.vpn.ask-failed" as const, value: `${minute(at)} [${failed}]` }]),
  ];
}

const minute = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;

function peerNames(peers: readonly { readonly name: string }[]): string {
  const shown = peers.slice(0, 3).map(({ name }) => name);
  return `${peers.length}${shown.length ? `: ${shown.join(", ")}${peers.length > shown.length ? ", ..." : ""}` : ""}`;
}

/** Not wanted, or failed during the set-up. */
async function notJoined(box: Box): Promise<StepStatus> {
  const data = { joined: false };
  if (!(await wasSkipped(box, "vpn"))) return { state: "off", rows: [], data };
  const advice = { key: "status.vpn.later", values: { command: JOIN } } as const;
  return { state: "trouble", rows: [], advice, data };
}
