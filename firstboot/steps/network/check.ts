// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "network": a static address has to fit its subnet and its gateway before it is tried.

import { didYouMean } from "../../../common/did-you-mean.ts";
import { type Problem, problem } from "../../problems.ts";
import type { DeepPartial, Survey } from "../step.ts";
import type { Interface } from "./interfaces.ts";
import { type Cidr, contains, formatIpv4, isHostAddress, parseCidr, parseIpv4 } from "./ipv4.ts";
import type { NetworkAnswers } from "./questions.ts";

export interface NetworkFacts extends Survey {
  readonly interfaces: readonly Interface[];
}

const STATIC_ONLY = ["address", "gateway", "dns"] as const;

export function check(answers: DeepPartial<NetworkAnswers>, facts: NetworkFacts): Problem[] {
  const found = checkInterface(answers.interface, facts);
  if (answers.method !== "static") {
    for (const name of STATIC_ONLY) {
      if (answers[name] !== undefined) found.push(problem(`network.${name}`, "static-only"));
    }
  } else found.push(...checkStatic(answers));
  return found;
}

function checkInterface(name: string | undefined, { interfaces }: NetworkFacts): Problem[] {
  const names = interfaces.map((each) => each.name);
  if (name === undefined || names.includes(name)) return [];
  return [
    problem("network.interface", "interface-unknown", {
      found: name,
      values: { names: names.join(", ") || "-" },
      suggestion: didYouMean(name, names),
    }),
  ];
}

/** Missing answers are the business of {@link missingStatic}: this one also sees half-filled forms. */
function checkStatic({ address, gateway, dns }: DeepPartial<NetworkAnswers>): Problem[] {
  const cidr = address === undefined ? undefined : parseCidr(address);
  return [
    ...(address === undefined ? [] : checkAddress(address, cidr)),
    ...(gateway === undefined ? [] : checkGateway(gateway, cidr)),
    ...(dns ?? []).flatMap((server, index) => checkNameServer(server, index)),
  ];
}

function checkAddress(address: string, cidr: Cidr | undefined): Problem[] {
  const field = "network.address";
  if (!cidr) return [problem(field, "address-syntax", { found: address })];
  const details = {
    found: address,
    values: { first: formatIpv4(cidr.network + 1), last: formatIpv4(cidr.broadcast - 1) },
  };
  if (cidr.prefix < 8 || cidr.prefix > 30) return [problem(field, "address-prefix", details)];
  if (!isHostAddress(cidr.address)) return [problem(field, "address-reserved", details)];
  if (cidr.address === cidr.network) return [problem(field, "address-is-network", details)];
  if (cidr.address === cidr.broadcast) return [problem(field, "address-is-broadcast", details)];
  return [];
}

function checkGateway(gateway: string, cidr: Cidr | undefined): Problem[] {
  const field = "network.gateway";
  const address = parseIpv4(gateway);
  if (address === undefined) return [problem(field, "ip-syntax", { found: gateway })];
  if (!cidr) return [];
  const values = { first: formatIpv4(cidr.network + 1), last: formatIpv4(cidr.broadcast - 1) };
  if (address === cidr.address) return [problem(field, "gateway-is-address", { found: gateway })];
  const isUsable = contains(cidr, address) && address !== cidr.network && address !== cidr.broadcast;
  return isUsable ? [] : [problem(field, "gateway-outside", { found: gateway, values })];
}

function checkNameServer(server: string, index: number): Problem[] {
  const address = parseIpv4(server);
  if (address !== undefined && isHostAddress(address)) return [];
  return [problem(`network.dns[${index}]`, "ip-syntax", { found: server })];
}

/** What "static" cannot do without; asked of complete answers only. */
export function missingStatic(answers: NetworkAnswers): Problem[] {
  if (answers.method !== "static") return [];
  const needed = ["address", "gateway"] as const;
  return needed
    .filter((name) => answers[name] === undefined)
    .map((name) => problem(`network.${name}`, "static-needs"));
}
