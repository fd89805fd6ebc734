// SPDX-License-Identifier: GPL-3.0-or-later
// The community's VPN as default, and the interface names that a VPN must not use.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import type { VpnFacts } from "./check.ts";

const SYS = "/sys/class/net";

export async function probe(box: Box, image: ImageInfo): Promise<VpnFacts> {
  const { enabled_by_default, network, rendezvous } = image.community.vpn;
  const urls = rendezvous.map((each) => (typeof each === "string" ? each : each.url));
  const interfaces: string[] = [];
  for (const name of await box.list(SYS)) {
    // Our own VPN interface from an earlier set-up is not excluded.
    if (!(await box.exists(`${SYS}/${name}/tun_flags`))) interfaces.push(name);
  }
  return {
    interfaces,
    defaults: {
      join: enabled_by_default && urls.length > 0,
      network,
      ...(urls.length ? { rendezvous: urls } : {}),
    },
  };
}
