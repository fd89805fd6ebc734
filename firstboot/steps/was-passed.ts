// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a step was wanted and came to nothing in the set-up, as the marker of the finished set-up tells.

import type { Box } from "../host/box.ts";
import { readMarker } from "../setup/marker.ts";

/** Passed over after a failure, or warned of by one of the step's own codes. */
export async function wasSkipped(
  box: Pick<Box, "readFile">,
  step: string,
  ...codes: string[]
): Promise<boolean> {
  const marker = await readMarker(box);
  return marker?.warnings.some(({ code }) => [`${step}-passed`, ...codes].includes(code)) ?? false;
}
