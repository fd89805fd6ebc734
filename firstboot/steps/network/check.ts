// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the answers of "network": a static address has to match its subnet and gateway before it is applied.

import { didYouMean } from "../../../common/did-you-mean.ts";
import {
  type Cidr,
  contains,
  formatIpv4,
  isHostAddress,
  parseCidr,
  parseIpv4,
} from "../../../common/ipv4.ts";
import { ssidBytes } from "../../../common/ssid.ts";
import type { Interface } from "../../network/interfaces.ts";
import { HIDDEN, type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import { isWireless, type NetworkAnswers, PASSPHRASE_PATH } from "./questions.ts";

export interface NetworkFacts extends ProbeResult {
  readonly interfaces: readonly Interface[];
  /** Names of the wireless interfaces that can be used. */
  readonly wifiCards: readonly string[];
  /** Codes such as ES; empty when the list is not available. */
  readonly countries: ReadonlySet<string>;
}

const STATIC_ONLY = ["address", "gateway", "dns"] as const;

export function check(answers: DeepPartial<NetworkAnswers>, facts: NetworkFacts): Problem[] {
  const found = [...checkInterface(answers, facts), ...checkWifi(answers, facts)];
  if (answers.method !== "static") {
    for (const name of STATIC_ONLY) {
      if (answers[name] !== undefined) found.push(problem(`network.${name}`, "static-only"));
    }
  } else found.push(...checkStatic(answers));
  return found;
}

function checkInterface(answers: DeepPartial<NetworkAnswers>, facts: NetworkFacts): Problem[] {
  const { interface: name } = answers;
  // With Wi-Fi, an Ethernet port that was chosen before is ignored.
  const cards = isWireless(answers) ? facts.wifiCards : [];
  const names = [...cards, ...facts.interfaces.map((each) => each.name)];
  if (name === undefined || names.includes(name)) return [];
  return [
    problem("network.interface", "interface-unknown", {
      found: name,
      values: { names: names.join(", ") || "-" },
      suggestion: didYouMean(name, names),
    }),
  ];
}

function checkWifi(answers: DeepPartial<NetworkAnswers>, { wifiCards, countries }: NetworkFacts): Problem[] {
  if (!isWireless(answers)) return [];
  if (wifiCards.length === 0) return [problem("network.wifi", "wifi-none")];
  const { country, ssid, passphrase } = answers.wifi ?? {};
  const isCountry =
    country === undefined || (/^[A-Z]{2}$/.test(country) && (countries.size === 0 || countries.has(country)));
  const isPassphrase = !passphrase || /^([\x20-\x7e]{8,63}|[0-9a-fA-F]{64})$/.test(passphrase);
  return [
    ...(isCountry ? [] : [problem("network.wifi.country", "wifi-country", { found: country })]),
    // The limit is 32 bytes; an accented letter takes two.
    ...(ssidBytes(ssid ?? "").length > 32 ? [problem("network.wifi.ssid", "wifi-name-long")] : []),
    ...(isPassphrase ? [] : [problem(PASSPHRASE_PATH, "wifi-passphrase-syntax", { found: HIDDEN })]),
  ];
}

/** {@link missing} reports missing answers: this function also gets incomplete forms. */
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
  const details = { found: address, values: hostRange(cidr) };
  if (cidr.prefix < 8) return [problem(field, "address-prefix", details)];
  if (!isHostAddress(cidr.address)) return [problem(field, "address-reserved", details)];
  // RFC 3021: in a /31 both addresses are hosts; so is the one of a /32.
  if (cidr.prefix > 30) return [];
  if (cidr.address === cidr.network) return [problem(field, "address-is-network", details)];
  if (cidr.address === cidr.broadcast) return [problem(field, "address-is-broadcast", details)];
  return [];
}

function checkGateway(gateway: string, cidr: Cidr | undefined): Problem[] {
  const field = "network.gateway";
  const address = parseIpv4(gateway);
  if (address === undefined) return [problem(field, "ip-syntax", { found: gateway })];
  if (!cidr) return [];
  if (address === cidr.address) return [problem(field, "gateway-is-address", { found: gateway })];
  // A /32 subnet does not contain the gateway; networkd is told that it is on-link.
  if (cidr.prefix === 32)
    return isHostAddress(address) ? [] : [problem(field, "address-reserved", { found: gateway })];
  const isEnd = cidr.prefix < 31 && (address === cidr.network || address === cidr.broadcast);
  if (contains(cidr, address) && !isEnd) return [];
  return [problem(field, "gateway-outside", { found: gateway, values: hostRange(cidr) })];
}

/** First and last host address of the subnet. */
function hostRange({ prefix, network, broadcast }: Cidr): { first: string; last: string } {
  const end = prefix > 30 ? 0 : 1;
  return { first: formatIpv4(network + end), last: formatIpv4(broadcast - end) };
}

function checkNameServer(server: string, index: number): Problem[] {
  const address = parseIpv4(server);
  if (address !== undefined && isHostAddress(address)) return [];
  return [problem(`network.dns[${index}]`, "ip-syntax", { found: server })];
}

/** Required answers for "static" and for Wi-Fi; checked for complete answers only. */
export function missing(answers: NetworkAnswers): Problem[] {
  const needed = answers.method === "static" ? (["address", "gateway"] as const) : [];
  return [
    ...(isWireless(answers) && !answers.wifi?.ssid ? [problem("network.wifi.ssid", "wifi-name")] : []),
    ...needed
      .filter((name) => answers[name] === undefined)
      .map((name) => problem(`network.${name}`, "static-needs")),
  ];
}
