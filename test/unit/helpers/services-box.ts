// SPDX-License-Identifier: GPL-3.0-or-later
// A box in memory on which every service can run: memory, contexts, packages in the image, the VPN.

import { paths } from "../../../firstboot/host/paths.ts";
import { readStates, type ServiceState } from "../../../firstboot/services/state.ts";
import { FakeBox } from "./fake-box.ts";

export function roomyBox({ contexts = true } = {}): FakeBox {
  const box = new FakeBox();
  box.files.set("/proc/meminfo", "MemTotal:        2015428 kB\nMemFree: 1 kB\n");
  box.files.set("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse2 avx\nprocessor\t: 1\n");
  box.files.set("/proc/net/route", "Iface\tDestination\tGateway\nenp1s0\t00000000\t0101020A\n");
  box.files.set("/etc/hostname", "can-bruixa\n");
  box.files.set("/usr/share/community-box/pool/pool.list", "");
  box.files.set("/etc/community-box/vpn.json", "{}");
  for (const unit of ["ssh.service", "avahi-daemon.service"]) {
    box.system.enabled.add(unit);
    box.system.running.add(unit);
  }
  box.files.set(paths.contexts, JSON.stringify(contexts ? { cpuPercent: 50 } : { none: "disk" }));
  return box;
}

export async function stateOf(box: FakeBox, id: string): Promise<ServiceState | undefined> {
  return (await readStates(box))[id];
}
