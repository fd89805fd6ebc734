// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the network's files away; the default of the image (any cable, by DHCP) holds again.

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
