// SPDX-License-Identifier: GPL-3.0-or-later
// How to reach the box, for the last screen of the set-up and for `cbox status`.

import { outerAddresses } from "../contexts/outer-addresses.ts";
import type { Box } from "../host/box.ts";
import { hostKeyFingerprints } from "../host/network-facts.ts";
import { readChoices } from "../host/owner-settings.ts";

export interface Summary {
  readonly hostname: string;
  readonly owner: string;
  readonly addresses: readonly string[];
  readonly fingerprints: readonly string[];
}

export async function summarize(box: Box): Promise<Summary> {
  const { owner = "" } = await readChoices(box);
  return {
    hostname: ((await box.readFile("/etc/hostname")) ?? "").trim(),
    owner,
    addresses: (await outerAddresses(box)).map(({ address }) => address),
    fingerprints: await hostKeyFingerprints(box),
  };
}
