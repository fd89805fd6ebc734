// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the network's files; then the default of the image applies again (any cable, by DHCP).

import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { paths } from "../../host/paths.ts";
import { forgetWifi } from "../../wifi/supplicant.ts";

export async function reset(box: Box, image: ImageInfo): Promise<void> {
  if (image.converted) return;
  await forgetWifi(box);
  for (const path of [paths.network, paths.networkWifi, paths.timesync]) await box.remove(path);
  await box.run("networkctl", ["reload"]);
}
