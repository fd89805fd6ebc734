// SPDX-License-Identifier: GPL-3.0-or-later
// What a rendezvous says that is broken, or somebody else's: for the faults of the lab and for the tests of the box.
import { shellTexts, TRAP } from "../hostile/texts.ts";
import type { VpnNode, VpnPlan } from "./plan.ts";
import { jsonReply, scriptReply } from "./replies.ts";

export const GARBAGE = ["html", "truncated", "huge", "hostile"] as const;
export type Garbage = (typeof GARBAGE)[number];

const PAGE =
  "<!DOCTYPE html>\n<html><head><title>It works!</title></head><body><h1>It works!</h1></body></html>\n";
const HUGE = 10 * 1024 * 1024;

export function garbage(
  kind: Garbage,
  form: "script" | "json",
  plan: VpnPlan,
  nodes: readonly VpnNode[],
  own: VpnNode,
): string {
  const right = form === "json" ? JSON.stringify(jsonReply(plan, nodes, own)) : scriptReply(plan, nodes, own);
  switch (kind) {
    case "html":
      return PAGE;
    case "truncated":
      return right.slice(0, Math.floor(right.length * 0.6));
    case "huge":
      return form === "json"
        ? `{"name": "${"x".repeat(HUGE)}"}`
        : `#!/bin/sh\n${`# ${"x".repeat(77)}\n`.repeat(HUGE / 80)}`;
    case "hostile":
      return form === "json" ? hostileJson(plan, nodes, own) : hostileScript(plan, own);
  }
}

/** Not one field of it may be used: no name, no address, no peer is right. */
function hostileScript({ network, gateway }: VpnPlan, own: VpnNode): string {
  const [substitution = "", backticks = "", chain = ""] = shellTexts();
  const base = `/etc/tinc/${network}`;
  return [
    "#!/bin/sh",
    `touch /tmp/${TRAP}`,
    `cat > ${base}/tinc.conf <<EOF`,
    `Name=${substitution}`,
    `ConnectTo=${backticks}`,
    `Mode=switch ${chain}`,
    "ScriptsInterpreter=/bin/sh",
    "EOF",
    `cat > ${base}/tinc-up <<EOF`,
    "#!/bin/sh",
    `ip -4 addr add ${substitution}/24 dev \\$INTERFACE`,
    `touch /tmp/${TRAP}`,
    "EOF",
    ...["../../../../tmp", "..", "/tmp", "a/../../../cron.d", "%2e%2e"].flatMap((way) => [
      `cat > ${base}/hosts/${way}/${TRAP} <<EOF`,
      "Address=10.139.40.85",
      gateway.publicKey,
      "EOF",
    ]),
    `cat > /etc/cron.d/${TRAP} <<EOF`,
    `* * * * * root touch /tmp/${TRAP}`,
    "EOF",
    `cat > ${base}/hosts/${substitution} <<EOF`,
    gateway.publicKey,
    "EOF",
    `cat > ${base}/hosts/long <<EOF`,
    `Address=${"9".repeat(100_000)}`,
    gateway.publicKey,
    "EOF",
    `cat > ${base}/hosts/${own.name} <<EOF`,
    own.publicKey,
    "EOF",
    `rm -rf /srv/box && touch /tmp/${TRAP}`,
    "",
  ].join("\n");
}

function hostileJson(plan: VpnPlan, nodes: readonly VpnNode[], own: VpnNode): string {
  const [substitution = "", backticks = "", chain = "", line = ""] = shellTexts();
  const { hosts, ...right } = jsonReply(plan, nodes, own) as { hosts: readonly object[] };
  const names = [`../../../../tmp/${TRAP}`, substitution, backticks, chain, line, "", "x".repeat(100_000)];
  return JSON.stringify({
    ...right,
    tinc_up: `touch /tmp/${TRAP}`,
    hosts: [
      ...names.map((name) => ({ ...hosts[0], name })),
      ...shellTexts().map((address) => ({ ...hosts[0], name: "a", address })),
      {
        ...hosts[0],
        name: "b",
        key: `-----BEGIN PUBLIC KEY-----\n${substitution}\n-----END PUBLIC KEY-----`,
      },
      { ...hosts[0], name: "c", subnets: [`0.0.0.0/0`] },
    ],
  });
}
