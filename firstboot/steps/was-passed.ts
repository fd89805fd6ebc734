// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a step was wanted but failed during the set-up, from the marker of the finished set-up.

import type { Box } from "../host/box.ts";
import { readMarker } from "../setup/marker.ts";

/** Skipped after a failure, or with one of the step's own warnings. */
export async function wasSkipped(
  box: Pick<Box, "readFile">,
  step: string,
  ...codes: string[]
): Promise<boolean> {
  const marker = await readMarker(box);
  return marker?.warnings.some(({ code }) => [`${step}-passed`, ...codes].includes(code)) ?? false;
}
