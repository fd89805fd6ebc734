// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the gateways' keys that the community file lists. A reply with another key for one of those names, or with
// none of the names, does not come from the community.

import { createHash, createPublicKey } from "node:crypto";
import { fail } from "../../common/fail.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Membership } from "./membership.ts";

/** Of 64 hexadecimal digits, enough to compare visually. */
const SHOWN = 16;

/** SHA-256 of a public key's DER form (SubjectPublicKeyInfo), in hexadecimal. */
export function fingerprint(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex");
}

/** Fails with `vpn-gateway-key` or `vpn-gateway-missing`. `publicKey`: the box's own. */
export function refuseOtherGateways(
  { community: { vpn } }: ImageInfo,
  network: string,
  { name, peers }: Membership,
  publicKey: string,
  host: string,
): void {
  const pinned = new Map(network === vpn.network ? Object.entries(vpn.gateways ?? {}) : []);
  if (pinned.size === 0) return;
  const named = [{ name, key: publicKey }, ...peers].filter((each) => pinned.has(each.name));
  for (const gateway of named) {
    const [found, expected = ""] = [fingerprint(gateway.key), pinned.get(gateway.name)];
    if (found === expected) continue;
    fail({
      code: "vpn-gateway-key",
      what: "The rendezvous gives a gateway of the VPN another key than the community does; nothing was changed.",
      ...sayFound("found.vpn-gateway-key", {
        ...{ host, name: gateway.name, found: found.slice(0, SHOWN), expected: expected.slice(0, SHOWN) },
      }),
      hint: "Ask the community whether the gateway has a new key; if not, somebody poses as the rendezvous.",
    });
  }
  if (named.length > 0) return;
  fail({
    code: "vpn-gateway-missing",
    what: "The rendezvous names none of the community's gateways; nothing was changed.",
    ...sayFound("found.vpn-gateway-missing", { host, names: [...pinned.keys()].join(", ") }),
    hint: "Ask the community whether its gateways have changed; if not, somebody poses as the rendezvous.",
  });
}
