// SPDX-License-Identifier: GPL-3.0-or-later
// The simulated tinc of the dry run and of tests: a started unit has an interface with the address from its script.

import type { SimulatedFiles } from "./files.ts";

const UNIT = /^tinc@(\w+)\.service$/;

export async function startTunnel(files: SimulatedFiles, unit: string): Promise<void> {
  const [, network] = UNIT.exec(unit) ?? [];
  if (network) await files.write(`/sys/class/net/${network}/tun_flags`, "0x1002\n");
}

/** Links in the form of `ip -json address`. */
export async function simulatedTunnels(files: SimulatedFiles, running: ReadonlySet<string>) {
  const links: { ifname: string; addr_info: { local: string; prefixlen: number }[] }[] = [];
  for (const unit of running) {
    const [, network = ""] = UNIT.exec(unit) ?? [];
    const script = network ? ((await files.read(`/etc/tinc/${network}/tinc-up`)) ?? "") : "";
    const [, local, prefix] = /replace ([\d.]+)\/(\d+)/.exec(script) ?? [];
    if (local) links.push({ ifname: network, addr_info: [{ local, prefixlen: Number(prefix) }] });
  }
  return links;
}
