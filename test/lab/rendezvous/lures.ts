// SPDX-License-Identifier: GPL-3.0-or-later
// Replies of a rendezvous that are well-formed but that a box must refuse: for the faults of the lab.
import type { VpnNode, VpnPlan } from "./plan.ts";
import { jsonReply, scriptReply } from "./replies.ts";

export const LURES = ["public-network", "needed-network", "other-key"] as const;
export type Lure = (typeof LURES)[number];

/** Of the network that holds a server of the box, where a test says that it has one there. */
export const NEEDED_RANGE = "10.77.0";

export function lure(
  kind: Lure,
  form: "script" | "json",
  plan: VpnPlan,
  nodes: readonly VpnNode[],
  own: VpnNode,
): string {
  const other = { ...plan, ...changes(plan, own)[kind] };
  return form === "json" ? JSON.stringify(jsonReply(other, nodes, own)) : scriptReply(other, nodes, own);
}

function changes(plan: VpnPlan, { publicKey }: VpnNode): Readonly<Record<Lure, Partial<VpnPlan>>> {
  return {
    // Of the ranges for documentation (RFC 5737).
    "public-network": { range: "203.0.113" },
    "needed-network": { range: NEEDED_RANGE },
    // Some key that is right.
    "other-key": { gateway: { ...plan.gateway, publicKey } },
  };
}
