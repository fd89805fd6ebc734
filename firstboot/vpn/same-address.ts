// SPDX-License-Identifier: GPL-3.0-or-later
// Whether another box has this one's address in the VPN. Rendezvous have given one address to many, and tinc does not
// mind: what a neighbour claims counts, whatever its host file says, unless StrictSubnets is set. Then answers go now to
// one of them and now to the other.

import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { VpnRecord } from "./record.ts";

/**
 * The name in the VPN of who has it, as the rendezvous says, or the MAC address in the VPN of who answers for it;
 * undefined when nobody does or nobody can tell. For root. Takes three seconds.
 */
export async function findSameAddress(
  box: Box,
  { network, address, mode, peers }: VpnRecord,
): Promise<string | undefined> {
  const [own = ""] = address.split("/");
  const told = peers.find(({ inside }) => inside === own);
  if (told) return told.name;
  // A router's interface has no ARP.
  if (mode === "router") return undefined;
  const { code, stdout } = await box.run(paths.addressTaken, [network, own]);
  return code === 0 ? /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/m.exec(stdout)?.[0] : undefined;
}
