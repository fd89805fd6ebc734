// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the contexts, with their contents unless data is kept.

import { tearDown } from "../../contexts/tear-down.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { withdrawPorts } from "../../services/forward.ts";
import type { ResetOptions } from "../../setup/step.ts";

export async function reset(box: Box, _image: ImageInfo, { keepData }: ResetOptions): Promise<void> {
  await withdrawPorts(box);
  await tearDown(box, keepData);
}
