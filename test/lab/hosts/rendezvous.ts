// SPDX-License-Identifier: GPL-3.0-or-later
// The VPN's rendezvous, a program of the lab: getinconf over HTTP, as boxes of 2014 asked it, and JSON over HTTPS.
import { generateKeyPairSync } from "node:crypto";
import type { Community, LabHost } from "../host.ts";
import { bundleProgram } from "../program.ts";
import { GATEWAY_ASKS_EVERY, RENDEZVOUS_ADDRESS, type VpnPlan } from "../rendezvous/plan.ts";

export type VpnMode = VpnPlan["mode"];

export function rendezvous(name: string, mode: VpnMode = "switch"): LabHost {
  return {
    name,
    address: RENDEZVOUS_ADDRESS,
    async server(community) {
      return {
        command: ["node", "/srv/rendezvous.mjs"],
        files: {
          "rendezvous.mjs": await bundleProgram("test/lab/rendezvous/program.ts"),
          "plan.json": JSON.stringify(vpnPlan(community, mode)),
        },
        tls: [`${name}.lab`],
        ready: /rendezvous is ready/,
      };
    },
  };
}

/** The lab's VPN. The gateway's key is the same for all who ask in this process: both of its hosts are made here. */
export function vpnPlan(
  { vpn }: Community,
  mode: VpnMode,
  gatewayAsksEvery: number = GATEWAY_ASKS_EVERY,
): VpnPlan {
  const { network, network_key: key = network } = vpn;
  const { publicKey } = gatewayKey();
  const gateway = { name: "gateway", publicKey };
  return { network, key, mode, range: "10.228.0", gateway, gatewayAsksEvery };
}

let made: { readonly publicKey: string; readonly privateKey: string } | undefined;

export function gatewayKey() {
  made ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return made;
}
