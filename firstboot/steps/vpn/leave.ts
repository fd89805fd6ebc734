// SPDX-License-Identifier: GPL-3.0-or-later
// Leaves the VPN: removes everything except the key, so that the box keeps its identity if it joins again. A full
// reset removes the key as well.

import type { Box } from "../../host/box.ts";
import { paths } from "../../host/paths.ts";
import { stopAvahi } from "../../vpn/avahi.ts";
import { ASK_AGAIN, CLOCK_WATCH, vpnPaths } from "../../vpn/paths.ts";
import { release } from "../../vpn/sandbox.ts";
import { switchOff } from "../../vpn/units.ts";

export async function leave(box: Box, network: string): Promise<void> {
  const { unit, directory, next, privateKey } = vpnPaths(network);
  await switchOff(box, ASK_AGAIN, CLOCK_WATCH, unit);
  await release(box, unit);
  await stopAvahi(box);
  await box.remove(next);
  for (const name of await box.list(directory)) {
    if (`${directory}/${name}` !== privateKey) await box.remove(`${directory}/${name}`);
  }
  for (const path of [paths.vpnAnswer, paths.vpnAsked, paths.vpnKey]) await box.remove(path);
  // Last: as long as this file exists, a leave that a power cut interrupted is detected.
  await box.remove(paths.vpn);
}
