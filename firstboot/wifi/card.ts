// SPDX-License-Identifier: GPL-3.0-or-later
// Whether this box supports Wi-Fi: a card that the kernel supports, and the programs, which not every image has.

import type { Box } from "../host/box.ts";

const SYS = "/sys/class/net";
const PROGRAMS = ["/usr/sbin/wpa_supplicant", "/usr/sbin/wpa_cli", "/usr/sbin/iw"];

/** Names of the wireless interfaces, such as wlan0; none if the programs are missing. */
export async function wifiCards(box: Box): Promise<string[]> {
  for (const program of PROGRAMS) if (!(await box.exists(program))) return [];
  const cards: string[] = [];
  for (const name of await box.list(SYS)) if (await isWifi(box, name)) cards.push(name);
  return cards;
}

/**
 * Whether a network interface is wireless. All drivers of the last fifteen years have phy80211; `wireless` is for
 * older ones, and not in every kernel.
 */
export async function isWifi(box: Box, name: string): Promise<boolean> {
  return (await box.exists(`${SYS}/${name}/phy80211`)) || (await box.exists(`${SYS}/${name}/wireless`));
}

/** The selected card: the named one, else the first. */
export async function wifiCard(box: Box, wanted: string | undefined): Promise<string | undefined> {
  const cards = await wifiCards(box);
  return cards.find((card) => card === wanted) ?? cards[0];
}

const RADIOS = "/sys/class/rfkill";

/** Some boxes start with the radio blocked by software, and find no networks. A hardware switch is not changed. */
export async function switchOnRadios(box: Box): Promise<void> {
  for (const name of await box.list(RADIOS)) {
    const read = async (file: string) => (await box.readFile(`${RADIOS}/${name}/${file}`))?.trim();
    if ((await read("type")) !== "wlan" || (await read("soft")) !== "1") continue;
    // A direct write: an atomic replacement of the file is impossible in /sys.
    await box.run("sh", ["-c", 'echo 0 >"$0"', `${RADIOS}/${name}/soft`]);
  }
}
