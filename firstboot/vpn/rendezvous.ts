// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the community's rendezvous servers, one after the other, to let this box join the VPN. Two protocols: JSON
// over HTTPS, and getinconf (docs/rendezvous.md). A repeated request gets the same result.

import { createHash, createHmac } from "node:crypto";
import { Failure, fail } from "../../common/fail.ts";
import { parseIpv4 } from "../../common/ipv4.ts";
import { parseJson } from "../../common/json.ts";
import type { Box, HttpResponse, TlsTrust } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import { type Fault, type Membership, readMembership } from "./membership.ts";
import { parseScript } from "./reply-script.ts";

export interface Rendezvous {
  readonly url: string;
  readonly form: "json" | "getinconf";
}

export interface JoinRequest {
  readonly network: string;
  /** The network's shared key; see `network_key` of the community. */
  readonly key: string;
  /** Identifies the box to the rendezvous: 52:54:00:12:34:56. */
  readonly mac: string;
  readonly hostname: string;
  /** IPv4 addresses of the box outside the VPN. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** PEM (PKCS #1). */
  readonly publicKey: string;
}

export interface Joined {
  readonly rendezvous: Rendezvous;
  readonly membership: Membership;
  /** Number of unusable peers in the reply. */
  readonly leftOut: number;
}

/** Additional checks of a valid reply for this box. */
export interface Acceptance {
  /** Addresses that no peer can have. */
  readonly uncallable: ReadonlySet<number>;
  /** Throws a Failure. */
  judge(membership: Membership, rendezvous: Rendezvous): Promise<void>;
}

const TIMEOUT = 15_000;
const MAX_BYTES = 1024 * 1024;

/** The protocol of a rendezvous whose URL a person typed. */
export function formOf(url: string): Rendezvous["form"] {
  return url.startsWith("https:") && !url.endsWith("/index.php") ? "json" : "getinconf";
}

/** Whether the reply is unauthenticated: it may have been forged on the way. */
export const isPlain = (url: string) => url.startsWith("http:");

/**
 * Fails with `rendezvous-silent`, `rendezvous-refused`, `rendezvous-reply-invalid`, or the errors of `judge` and
 * `Box.request`.
 */
export async function askRendezvous(
  box: Box,
  list: readonly Rendezvous[],
  wanted: JoinRequest,
  tls: TlsTrust,
  acceptance: Acceptance,
  onAsk: (host: string) => void,
): Promise<Joined> {
  let telling: Failure | undefined;
  for (const rendezvous of list) {
    onAsk(new URL(rendezvous.url).host);
    try {
      const answer = await ask(box, rendezvous, wanted, tls, acceptance.uncallable);
      await acceptance.judge(answer.membership, rendezvous);
      return { rendezvous, ...answer };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // An error from a server that answered is more useful than one from a server that did not.
      if (!telling || telling.code === "rendezvous-silent") telling = error;
    }
  }
  throw telling ?? new Error("there is no rendezvous to ask");
}

async function ask(
  box: Box,
  rendezvous: Rendezvous,
  wanted: JoinRequest,
  tls: TlsTrust,
  uncallable: ReadonlySet<number>,
) {
  const { host } = new URL(rendezvous.url);
  try {
    const raw =
      rendezvous.form === "json"
        ? await askJson(box, rendezvous.url, wanted, tls)
        : await askGetinconf(box, rendezvous.url, wanted, tls);
    return accept(host, raw, uncallable);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === "server-unreachable" || error.code === "server-slow") return silent(host, error);
    if (error.code === "reply-too-large") return invalid(host, error.found ?? "it is too large");
    throw error;
  }
}

/** The older protocol: two requests, with a shell script as the reply. */
async function askGetinconf(box: Box, url: string, wanted: JoinRequest, tls: TlsTrust): Promise<unknown> {
  const { network, key, mac, hostname, port, publicKey } = wanted;
  const base = url.replace(/\/+$/, "");
  const { host } = new URL(url);
  const seen = await box.request({ method: "GET", url: `${base}/pages/ip`, timeout: TIMEOUT, tls });
  const own = ownAddress(seen, wanted.addresses);
  const upper = mac.toUpperCase();
  const hash = createHash("md5").update(`${upper}${key}${network}`).digest("hex");
  const words = [hash, network, upper.replaceAll(":", "-"), hostname, own ?? "0", String(port), "1"];
  const boundary = `----CommunityBox${box.randomHex(12)}`;
  const response = await box.request({
    method: "POST",
    url: `${base}/nodes/get2/${words.map(encodeURIComponent).join("/")}`,
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
    body: multipart(boundary, "rsakeypub", publicKey),
    timeout: TIMEOUT,
    maxBytes: MAX_BYTES,
    tls,
  });
  if (response.status === 403) return unknownNetwork(host, network);
  if (response.status === 405) return refused(host);
  if (response.status !== 200) return invalid(host, `HTTP ${response.status}`);
  const parsed = parseScript(response.body.toString("utf8"), network);
  if (!("fault" in parsed)) return parsed;
  return invalid(host, parsed.fault === "no-script" ? "it is not a script" : "the end of it is missing");
}

/** The address that the rendezvous sees, if it is one of the box's own; otherwise there is NAT in between. */
function ownAddress({ status, body }: HttpResponse, addresses: readonly string[]): string | undefined {
  const seen = status === 200 ? body.toString("latin1", 0, 64).trim() : "";
  return parseIpv4(seen) !== undefined && addresses.includes(seen) ? seen : undefined;
}

function multipart(boundary: string, field: string, content: string): Buffer {
  return Buffer.from(
    [
      `--${boundary}`,
      `Content-Disposition: form-data; name="${field}"; filename="rsa_key.pub"`,
      "Content-Type: application/octet-stream",
      "",
      content,
      `--${boundary}--`,
      "",
    ].join("\r\n"),
  );
}

/** Our own protocol. The key itself is not sent, only a proof made with it. */
async function askJson(box: Box, url: string, wanted: JoinRequest, tls: TlsTrust): Promise<unknown> {
  const { network, key, mac, hostname, addresses, port, publicKey } = wanted;
  const { host } = new URL(url);
  const proof = createHmac("sha256", key).update([network, mac, publicKey].join("\n")).digest("hex");
  const response = await box.request({
    method: "POST",
    url: `${url.replace(/\/+$/, "")}/v1/join`,
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: Buffer.from(JSON.stringify({ network, mac, hostname, addresses, port, key: publicKey, proof })),
    timeout: TIMEOUT,
    maxBytes: MAX_BYTES,
    tls,
  });
  const { status, body } = response;
  if (status === 403) return refused(host);
  const reply = parseJson<{ error?: unknown } | undefined>(body.toString("utf8"), undefined);
  // Any web server may return 404: only with this error does it come from the rendezvous.
  if (status === 404 && reply?.error === "unknown-network") return unknownNetwork(host, network);
  if (status !== 200) return invalid(host, `HTTP ${status}`);
  return reply ?? invalid(host, "it is not JSON");
}

function accept(
  host: string,
  raw: unknown,
  uncallable: ReadonlySet<number>,
): { membership: Membership; leftOut: number } {
  const { membership, faults } = readMembership(raw, uncallable);
  if (!membership) return invalid(host, faultWords(faults[0]));
  // All of them invalid: this is not a list of peers.
  if (faults.length > 0 && membership.peers.length === 0) return invalid(host, faultWords(faults[0]));
  return { membership, leftOut: faults.length };
}

/** Never quotes the reply, which is untrusted. */
export function faultWords({ at, reason }: Fault = { at: "", reason: "missing" }): string {
  return at ? `${at}: ${REASONS[reason]}` : REASONS[reason];
}

const REASONS: Record<Fault["reason"], string> = {
  missing: "nothing there that could be used",
  name: "not a name (letters, digits and underscores)",
  address: "not an address in the VPN, such as 10.228.0.7/24",
  mode: "not one of router, switch and hub",
  port: "not a port",
  "public-address": "not an address outside of the VPN",
  "no-box": "the router's, a link-local address or that of a whole network",
  subnet: "not inside of the VPN",
  key: "not an RSA public key of 2048 bits or more",
  twice: "the same name twice",
  "too-many": "too many",
};

function silent(host: string, { found }: Failure): never {
  return fail({
    code: "rendezvous-silent",
    what: "The rendezvous of the VPN does not answer.",
    ...(found ? { found: `${host}: ${found}` } : sayFound("found.host-silent", { host })),
    hint: "Check the network and try again, or go on without the VPN: cbox vpn setup does it later.",
  });
}

function refused(host: string): never {
  return fail({
    code: "rendezvous-refused",
    what: "The rendezvous does not let the box into the VPN.",
    ...sayFound("found.vpn-key", { host }),
    hint: "Ask the community for the key of the network, or go on without the VPN.",
  });
}

function unknownNetwork(host: string, network: string): never {
  return fail({
    code: "rendezvous-network-unknown",
    what: "The rendezvous does not know this VPN.",
    ...sayFound("found.vpn-at", { network, host }),
    hint: "Check the name of the network, or go on without the VPN.",
  });
}

function invalid(host: string, found: string): never {
  return fail({
    code: "rendezvous-reply-invalid",
    what: "The answer of the rendezvous is invalid; nothing of it was used.",
    found: `${host}: ${found}`,
    hint: "Try again later, or go on without the VPN; if it stays so, tell the community.",
  });
}
