// SPDX-License-Identifier: GPL-3.0-or-later
// Scans for wireless networks, and parses the output of iw and wpa_cli.

import { ssidText } from "../../common/ssid.ts";
import type { Box } from "../host/box.ts";
import { switchOnRadios } from "./card.ts";

export interface Network {
  readonly ssid: string;
  /** dBm; nearer to zero is stronger. */
  readonly signal: number;
  readonly security: "open" | "wep" | "wpa";
}

/** The time that a driver needs to scan every channel. */
const SCAN_MS = 15_000;
/** A card on which wpa_supplicant is scanning refuses (EBUSY); that scan takes a few seconds. */
const TRIES = 3;
const PAUSE_MS = 2_000;
const MOST = 9;

/**
 * Named networks in range, strongest first, without duplicates; none if the card cannot scan now.
 * @param country so that it scans the channels that are used there
 */
export async function scanNetworks(box: Box, card: string, country: string | undefined): Promise<Network[]> {
  await switchOnRadios(box);
  if (country) await box.run("iw", ["reg", "set", country]);
  await box.run("ip", ["link", "set", "dev", card, "up"]);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const { code, stdout } = await box.run("iw", ["dev", card, "scan"], { timeout: SCAN_MS });
    if (code === 0) return parseScan(stdout).slice(0, MOST);
    if (attempt < TRIES) await box.sleep(PAUSE_MS);
  }
  // The results of another program's recent scan.
  const { stdout } = await box.run("iw", ["dev", card, "scan", "dump"]);
  return parseScan(stdout).slice(0, MOST);
}

/** The output of `iw dev … scan`. */
export function parseScan(output: string): Network[] {
  const strongest = new Map<string, Network>();
  for (const block of output.split(/^BSS /m).slice(1)) {
    const ssid = decodeSsid(/^\s*SSID: (.*)$/m.exec(block)?.[1] ?? "");
    const signal = Number(/^\s*signal: (-?[\d.]+) dBm/m.exec(block)?.[1] ?? -100);
    // A hidden network has an empty name, or one of zero bytes.
    if (ssid === "" || /^\0+$/.test(ssid)) continue;
    const security = /^\s*(RSN|WPA):/m.test(block) ? "wpa" : /\bPrivacy\b/.test(block) ? "wep" : "open";
    const known = strongest.get(ssid);
    if (!known || known.signal < signal) strongest.set(ssid, { ssid, signal, security });
  }
  return [...strongest.values()].sort((a, b) => b.signal - a.signal);
}

/** wpa_cli uses short escapes for some characters. */
const SHORT: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", e: "\x1b" };

/**
 * The name as text (common/ssid.ts). iw and wpa_cli write non-ASCII bytes, and leading and trailing spaces, as
 * \xc3\xa0, and a backslash as \\.
 */
export function decodeSsid(text: string): string {
  const bytes: number[] = [];
  for (const [, hex, escaped, plain] of text.matchAll(/\\x([0-9a-fA-F]{2})|\\(.)|([^\\])/gsu)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else bytes.push(...Buffer.from(plain ?? SHORT[escaped ?? ""] ?? escaped ?? ""));
  }
  return ssidText(Buffer.from(bytes));
}

/** From 1 (weak) to 4 (strong), like the bars of a telephone. */
export function bars(signal: number): number {
  return signal >= -55 ? 4 : signal >= -67 ? 3 : signal >= -78 ? 2 : 1;
}
