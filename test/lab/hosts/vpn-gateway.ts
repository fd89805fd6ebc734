// SPDX-License-Identifier: GPL-3.0-or-later
// The VPN's gateway: Debian's own tincd, with a network that is not the lab's. Like one of 2014 it hears of boxes
// that join by getinconf when it asks the rendezvous again, and refuses them till then.
import type { LabHost } from "../host.ts";
import { bundleProgram } from "../program.ts";
import { GATEWAY_ADDRESS } from "../rendezvous/plan.ts";
import { gatewayKey, type VpnMode, vpnPlan } from "./rendezvous.ts";

/** `asksEvery`: seconds; an hour, in a community. */
export function vpnGateway(name: string, mode: VpnMode = "switch", asksEvery?: number): LabHost {
  return {
    name,
    address: GATEWAY_ADDRESS,
    async server(community) {
      return {
        command: ["node", "/srv/gateway.mjs"],
        files: {
          "gateway.mjs": await bundleProgram("test/lab/rendezvous/gateway-program.ts"),
          "plan.json": JSON.stringify(vpnPlan(community, mode, asksEvery)),
          "gateway.key": gatewayKey().privateKey,
        },
        ready: /Ready/,
      };
    },
  };
}
