// SPDX-License-Identifier: GPL-3.0-or-later
// Leaves the VPN, and removes the box's key unless data is kept.

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import type { ResetOptions } from "../../setup/step.ts";
import { NETWORK_NAME, TINC, vpnPaths } from "../../vpn/paths.ts";
import { readRecord } from "../../vpn/record.ts";
import { leave } from "./leave.ts";

export async function reset(box: Box, _image: ImageInfo, { keepData }: ResetOptions): Promise<void> {
  const record = await readRecord(box);
  if (record) await leave(box, record.network);
  if (keepData) return;
  // Includes a network that the box failed to join: its directory contains only our key.
  for (const name of await box.list(TINC)) {
    if (!NETWORK_NAME.test(name)) continue;
    const { directory } = vpnPaths(name);
    const files = await box.list(directory, { recursive: true });
    if (files.join() === "rsa_key.priv") await box.remove(directory);
  }
}
