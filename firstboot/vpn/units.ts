// SPDX-License-Identifier: GPL-3.0-or-later
// Enables and disables the units of the VPN. Without `--now`, which systemctl refuses where systemd does not run, as
// in a root file system that is prepared for a box.

import { type Box, runOrFail } from "../host/box.ts";

export async function switchOn(box: Box, ...units: readonly string[]): Promise<void> {
  await runOrFail(box, "systemctl", ["enable", ...units]);
  await runOrFail(box, "systemctl", ["start", ...units]);
}

export async function switchOff(box: Box, ...units: readonly string[]): Promise<void> {
  await runOrFail(box, "systemctl", ["disable", ...units]);
  await runOrFail(box, "systemctl", ["stop", ...units]);
}
