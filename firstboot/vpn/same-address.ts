// SPDX-License-Identifier: GPL-3.0-or-later
// Whether another box has this one's address in the VPN. Rendezvous servers have assigned one address to several
// boxes, and tinc accepts a neighbour's claim regardless of its host file, unless StrictSubnets is set. Then replies
// reach either of them.

import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { VpnRecord } from "./record.ts";

/**
 * The VPN name of the other box, from the rendezvous, or the MAC address that answers for it; undefined if there is
 * none or it cannot be determined. For root. Takes three seconds.
 */
export async function findSameAddress(
  box: Box,
  { network, address, mode, peers }: VpnRecord,
): Promise<string | undefined> {
  const [own = ""] = address.split("/");
  const told = peers.find(({ inside }) => inside === own);
  if (told) return told.name;
  // In mode "router" the interface has no ARP.
  if (mode === "router") return undefined;
  const { code, stdout } = await box.run(paths.addressTaken, [network, own]);
  return code === 0 ? /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/m.exec(stdout)?.[0] : undefined;
}
