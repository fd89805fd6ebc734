// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in the VPN, for `cbox lab show`: as the rendezvous registered them, and whom tincd reaches.
import type { Lab } from "../lab.ts";
import type { Reader, Row } from "../reader.ts";
import { INTERNAL_PORT } from "./plan.ts";

interface Peer {
  readonly name: string;
  readonly inside: string;
  readonly outside: string;
  readonly mac: string;
  readonly reachable: boolean;
}

export const vpnPeers: Reader = {
  name: "vpn",
  title: "boxes in the VPN",
  async read(lab: Lab): Promise<readonly Row[]> {
    const { code, stdout } = await lab
      .run("vpn", ["curl", "--silent", "--max-time", "5", `http://127.0.0.1:${INTERNAL_PORT}/peers`])
      .catch(() => ({ code: 1, stdout: "" }));
    if (code !== 0) return [];
    return (JSON.parse(stdout) as Peer[]).map(({ name, inside, outside, mac, reachable }) => ({
      name,
      address: inside,
      outside: outside || "behind NAT",
      mac,
      reachable: reachable ? "yes" : "no",
    }));
  },
};
