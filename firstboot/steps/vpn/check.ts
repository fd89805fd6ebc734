// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "vpn": a name that is valid for an interface, server addresses, a complete bundle.

import { type Problem, type ProblemCode, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import { type Fault, type FaultReason, readMembership } from "../../vpn/membership.ts";
import { NETWORK_NAME } from "../../vpn/paths.ts";
import { faultWords } from "../../vpn/rendezvous.ts";
import type { VpnAnswers } from "./questions.ts";

export interface VpnFacts extends ProbeResult {
  /** Network interfaces of the box that do not belong to a VPN. */
  readonly interfaces: readonly string[];
}

/** Interfaces with these names belong to the step "network", present or not. */
const CABLE = /^(en|eth)/;
const RESERVED = ["lo", "all", "default"];
const KEY = /^[!-~]{1,64}$/;

export function check(answers: DeepPartial<VpnAnswers>, facts: VpnFacts): Problem[] {
  const { join, network, rendezvous, key, bundle } = answers;
  return [
    ...(network === undefined ? [] : checkNetwork(network, facts)),
    ...(rendezvous ?? []).flatMap((url, index) => checkRendezvous(url, index)),
    // The value is secret: it is not quoted.
    ...(!key || KEY.test(key) ? [] : [problem("vpn.key", "vpn-key-syntax")]),
    ...(bundle === undefined ? [] : checkBundle(bundle)),
    ...(bundle !== undefined && join === false ? [problem("vpn.bundle", "vpn-bundle-needs-join")] : []),
  ];
}

function checkNetwork(network: string, { interfaces }: VpnFacts): Problem[] {
  const details = { found: network };
  if (!NETWORK_NAME.test(network)) return [problem("vpn.network", "vpn-network-syntax", details)];
  const isTaken = CABLE.test(network) || RESERVED.includes(network) || interfaces.includes(network);
  return isTaken ? [problem("vpn.network", "vpn-network-taken", details)] : [];
}

function checkRendezvous(url: string, index: number): Problem[] {
  const isGood = URL.canParse(url) && /^https?:\/\/[^\s@?#]+$/.test(url);
  // The URL may contain a password before its @: it is not quoted.
  return isGood ? [] : [problem(`vpn.rendezvous[${index}]`, "vpn-rendezvous-syntax")];
}

/** The same checks as for a reply, but here every fault is reported. */
function checkBundle(bundle: NonNullable<DeepPartial<VpnAnswers>["bundle"]>): Problem[] {
  return readMembership(bundle).faults.map((fault) =>
    problem(`vpn.bundle${fault.at ? `.${fault.at}` : ""}`, codeOf(fault), {
      values: { expected: faultWords({ ...fault, at: "" }) },
    }),
  );
}

function codeOf({ reason }: Fault): ProblemCode {
  const codes: Partial<Record<FaultReason, ProblemCode>> = {
    missing: "missing",
    twice: "duplicate",
    "too-many": "out-of-range",
    name: "vpn-bundle-name",
    address: "vpn-bundle-address",
    "public-address": "vpn-bundle-public-address",
    subnet: "vpn-bundle-subnet",
    key: "vpn-bundle-key",
  };
  return codes[reason] ?? "not-allowed";
}

/** Joining needs a rendezvous or a bundle. Checked for complete answers, including the community's defaults. */
export function missing({ join, rendezvous = [], bundle }: VpnAnswers): Problem[] {
  const isEnough = join !== true || bundle !== undefined || rendezvous.length > 0;
  return isEnough ? [] : [problem("vpn.rendezvous", "vpn-rendezvous-missing")];
}
