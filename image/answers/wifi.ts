// SPDX-License-Identifier: GPL-3.0-or-later
// `--wifi NAME`: the wireless network of the box, put into its answers.
import type { Document } from "yaml";
import { fail } from "../../common/fail.ts";
import { ssidBytes } from "../../common/ssid.ts";
import { setAnswer } from "./merge.ts";

export interface Wifi {
  /** Name of the network. */
  readonly ssid: string;
  /** Absent: an open network. */
  readonly passphrase?: string;
  /** Two capital letters; decides which channels are allowed. */
  readonly country?: string;
}

/** The longest name of a network and the lengths of a passphrase, of IEEE 802.11 and WPA2. */
const SSID_LONGEST = 32;
const PASSPHRASE = /^[ -~]{8,63}$/;
const HEX_KEY = /^[0-9A-Fa-f]{64}$/;

/** @throws Failure `wifi-invalid` */
export function checkWifi({ ssid, passphrase, country }: Wifi): void {
  const { length } = ssidBytes(ssid);
  if (length < 1 || length > SSID_LONGEST) {
    wrong("The name of a wireless network has 1 to 32 bytes.", `${length} bytes`, '--wifi "My network"');
  }
  if (passphrase !== undefined && !PASSPHRASE.test(passphrase) && !HEX_KEY.test(passphrase)) {
    const found = `${[...passphrase].length} characters, which are not shown`;
    wrong(
      "The passphrase of a wireless network has 8 to 63 letters, digits and signs.",
      found,
      "look at the router's label",
    );
  }
  if (country !== undefined && !/^[A-Z]{2}$/.test(country)) {
    wrong("A country is two capital letters.", country, "--wifi-country ES");
  }
}

export function putWifi(answers: Document, wifi: Wifi): void {
  const { ssid, passphrase, country } = wifi;
  setAnswer(answers, ["network", "wifi"], {
    ssid,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(country === undefined ? {} : { country }),
  });
}

function wrong(what: string, found: string, hint: string): never {
  return fail({ code: "wifi-invalid", what, found, hint });
}
