// SPDX-License-Identifier: GPL-3.0-or-later
// Whether this box can do Wi-Fi: a card that the kernel knows, and the programs, which not every image has.

import type { Box } from "../box.ts";

const SYS = "/sys/class/net";
const PROGRAMS = ["/usr/sbin/wpa_supplicant", "/usr/sbin/wpa_cli", "/usr/sbin/iw"];

/** Names of the wireless interfaces, such as wlan0; none where the programs are missing. */
export async function wifiCards(box: Box): Promise<string[]> {
  for (const program of PROGRAMS) if (!(await box.exists(program))) return [];
  const cards: string[] = [];
  for (const name of await box.list(SYS)) if (await isWifi(box, name)) cards.push(name);
  return cards;
}

/**
 * Whether a network interface is a wireless one. Every driver of the last fifteen years has phy80211; `wireless` is for
 * those before, and not every kernel shows it.
 */
export async function isWifi(box: Box, name: string): Promise<boolean> {
  return (await box.exists(`${SYS}/${name}/phy80211`)) || (await box.exists(`${SYS}/${name}/wireless`));
}

/** The card meant: the one named, else the first. */
export async function wifiCard(box: Box, wanted: string | undefined): Promise<string | undefined> {
  const cards = await wifiCards(box);
  return cards.find((card) => card === wanted) ?? cards[0];
}
