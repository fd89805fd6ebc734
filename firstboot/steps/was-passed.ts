// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a step was wanted and passed over in the set-up, as the marker of the finished set-up tells.

import type { Box } from "../box.ts";
import { readMarker } from "../marker.ts";

export async function wasPassed(box: Pick<Box, "readFile">, step: string): Promise<boolean> {
  const marker = await readMarker(box);
  return marker?.warnings.some(({ code }) => code === `${step}-passed`) ?? false;
}
