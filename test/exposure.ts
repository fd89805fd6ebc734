// SPDX-License-Identifier: GPL-3.0-or-later
// What `systemd-analyze security` says of units: from 0 (nothing that it knows of is left open) to 10 (all is).

/** Up to here a unit of ours may go; systemd itself calls less than 5 "medium" and less than 4 "OK" or better. */
export const MOST_EXPOSED = 4.5;

/** The units whose exposure counts on a box that is set up with a VPN. */
export const GUARDED_UNITS = [
  "avahi-daemon.service",
  "cbox-contexts.service",
  "cbox-publish.service",
  "cbox-start-contexts.service",
  "cbox-vpn-clock.service",
  "cbox-vpn.service",
  "cbox-walls.service",
  "cbox-watch.service",
  "serf.service",
  "tinc@guifi.service",
] as const;

/** By unit. */
export function exposures(output: string): Readonly<Record<string, number>> {
  const found = output.matchAll(/Overall exposure level for (\S+): ([\d.]+)/g);
  return Object.fromEntries([...found].map(([, unit = "", level]) => [unit, Number(level)]));
}

/** For people, a line each. */
export function exposureTable(levels: Readonly<Record<string, number>>): string {
  return Object.entries(levels)
    .map(([unit, level]) => `  ${level.toFixed(1).padStart(4)}  ${unit}`)
    .join("\n");
}
