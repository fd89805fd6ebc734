// SPDX-License-Identifier: GPL-3.0-or-later
// wpa_supplicant: its configuration, the only file with the passphrase, its service, and its state.

import { pbkdf2Sync } from "node:crypto";
import { ssidBytes, ssidText } from "../../common/ssid.ts";
import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import { decodeSsid } from "./scan.ts";

export interface WifiSettings {
  /** As text: see common/ssid.ts. */
  readonly ssid: string;
  /** Undefined: an open network. */
  readonly passphrase?: string | undefined;
  readonly country?: string | undefined;
}

const DIRECTORY = "/etc/wpa_supplicant";
const configuration = (card: string) => `${DIRECTORY}/wpa_supplicant-${card}.conf`;
const unit = (card: string) => `wpa_supplicant@${card}.service`;

/** Writes the configuration and restarts the service with it. */
export async function useWifi(box: Box, card: string, settings: WifiSettings): Promise<void> {
  const file = configuration(card);
  const isNew = await writeIfChanged(box, file, supplicantFile(settings), { mode: 0o600 });
  await runOrFail(box, "systemctl", ["enable", unit(card)]);
  await runOrFail(box, "systemctl", [isNew ? "restart" : "start", unit(card)]);
}

/** Removes the configuration, including the passphrase, from all cards. */
export async function forgetWifi(box: Box): Promise<void> {
  for (const file of await box.list(DIRECTORY)) {
    const card = /^wpa_supplicant-(.+)\.conf$/.exec(file)?.[1];
    if (!card) continue;
    await box.run("systemctl", ["disable", "--now", unit(card)]);
    await box.remove(configuration(card));
  }
}

/** The passphrase from an earlier set-up. */
export async function keptPassphrase(box: Pick<Box, "readFile">, card: string): Promise<string | undefined> {
  const text = (await box.readFile(configuration(card))) ?? "";
  const written = /^\tsae_password=([0-9a-f]+)$/m.exec(text)?.[1];
  return written ? Buffer.from(written, "hex").toString() : /^\tpsk=([0-9a-fA-F]{64})$/m.exec(text)?.[1];
}

/**
 * For WPA2 and WPA3, whichever the network has, with protected management frames if possible. Also finds a hidden
 * network by its name. Name and passphrase are written as bytes: in a quoted string wpa_supplicant would read some
 * characters as the end, and # as a comment.
 */
export function supplicantFile({ ssid, passphrase, country }: WifiSettings): string {
  return [
    "# Written by the Community Box set-up.",
    "ctrl_interface=DIR=/run/wpa_supplicant",
    ...(country ? [`country=${country}`] : []),
    "# Both ways of WPA3 to derive its key; by itself only the old one is tried.",
    "sae_pwe=2",
    "network={",
    `\tssid=${ssidBytes(ssid).toString("hex")}`,
    "\tscan_ssid=1",
    ...keyLines(ssid, passphrase).map((line) => `\t${line}`),
    "}",
    "",
  ].join("\n");
}

function keyLines(ssid: string, passphrase: string | undefined): string[] {
  if (passphrase === undefined) return ["key_mgmt=NONE"];
  // The derived key itself, which WPA3 cannot use.
  if (/^[0-9a-fA-F]{64}$/.test(passphrase))
    return ["key_mgmt=WPA-PSK WPA-PSK-SHA256", `psk=${passphrase}`, "ieee80211w=1"];
  return [
    "key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE",
    `psk=${preSharedKey(ssid, passphrase)}`,
    `sae_password=${Buffer.from(passphrase).toString("hex")}`,
    "ieee80211w=1",
  ];
}

/** IEEE 802.11, annex J.4: WPA2's key from a passphrase, as `wpa_passphrase` prints it. 64 hexadecimal digits. */
export function preSharedKey(ssid: string, passphrase: string): string {
  return pbkdf2Sync(passphrase, ssidBytes(ssid), 4096, 32, "sha1").toString("hex");
}

export type WifiState = "joined" | "refused" | "trying";

export async function wifiState(box: Box, card: string): Promise<WifiState> {
  const status = await box.run("wpa_cli", ["-i", card, "status"]);
  if (/^wpa_state=COMPLETED$/m.test(status.stdout)) return "joined";
  // After a failed handshake the network is disabled for a while, which indicates a wrong passphrase.
  const networks = await box.run("wpa_cli", ["-i", card, "list_networks"]);
  return networks.stdout.includes("[TEMP-DISABLED]") ? "refused" : "trying";
}

/** Did the card find the network at all? */
export async function isInReach(box: Box, card: string, ssid: string): Promise<boolean> {
  const { stdout } = await box.run("wpa_cli", ["-i", card, "scan_results"]);
  // "bssid / frequency / signal level / flags / ssid", separated by tabs.
  const name = ssidText(ssidBytes(ssid));
  return stdout.split("\n").some((line) => decodeSsid(line.split("\t")[4] ?? "") === name);
}
