// SPDX-License-Identifier: GPL-3.0-or-later
// Avahi finds neighbours' services by multicast. On this box it uses only the VPN, with our own configuration, so
// that Debian's file stays unchanged. Without a VPN it is off. One that was on before a machine was converted is left
// alone.

import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { lockUp, release } from "./sandbox.ts";
import { switchOff } from "./units.ts";

export const AVAHI_UNITS = ["avahi-daemon.service", "avahi-daemon.socket"] as const;
const [AVAHI] = AVAHI_UNITS;

export async function startAvahi(box: Box, network: string): Promise<void> {
  if (await isSomebodysOwn(box)) return;
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  await writeIfChanged(box, paths.avahi, avahiConfiguration(network, hostname));
  await writeIfChanged(box, paths.avahiUnit, UNIT);
  await lockUp(box, AVAHI, "avahi");
  await runOrFail(box, "systemctl", ["daemon-reload"]);
  await runOrFail(box, "systemctl", ["enable", ...AVAHI_UNITS]);
  // Not fatal for the VPN: `verify` reports it if it did not start.
  await box.run("systemctl", ["restart", AVAHI]);
}

async function isSomebodysOwn(box: Box): Promise<boolean> {
  if (await box.exists(paths.avahiUnit)) return false;
  return (await box.run("systemctl", ["is-enabled", "--quiet", AVAHI])).code === 0;
}

export async function isAvahiRunning(box: Box): Promise<boolean> {
  return (await box.run("systemctl", ["is-active", "--quiet", AVAHI])).code === 0;
}

export async function stopAvahi(box: Box): Promise<void> {
  if (await isSomebodysOwn(box)) return;
  await switchOff(box, ...AVAHI_UNITS);
  await release(box, AVAHI);
  await box.remove(paths.avahi);
  await box.remove(paths.avahiUnit);
  await runOrFail(box, "systemctl", ["daemon-reload"]);
}

export function avahiConfiguration(network: string, hostname: string): string {
  return [
    "# Written by the Community Box set-up.",
    "[server]",
    ...(hostname ? [`host-name=${hostname}`] : []),
    "use-ipv4=yes",
    "use-ipv6=no",
    `allow-interfaces=${network}`,
    // In mode "router" the interface is point-to-point, and would be ignored.
    "allow-point-to-point=yes",
    "ratelimit-interval-usec=1000000",
    "ratelimit-burst=1000",
    "",
    "[publish]",
    "publish-hinfo=no",
    "publish-workstation=no",
    "",
    "[reflector]",
    "enable-reflector=no",
    "",
  ].join("\n");
}

const UNIT = `# Written by the Community Box set-up.
[Service]
ExecStart=
ExecStart=/usr/sbin/avahi-daemon --syslog --file=${paths.avahi}
`;
