// SPDX-License-Identifier: GPL-3.0-or-later
// Whether a step was wanted and passed over in the set-up, as the marker of the finished set-up tells.

import type { Box } from "../box.ts";
import { paths } from "../paths.ts";
import { parseJson } from "../world.ts";
import type { Warning } from "./step.ts";

export async function wasPassed(box: Pick<Box, "readFile">, step: string): Promise<boolean> {
  const marker = parseJson<{ warnings?: readonly Warning[] }>(
    (await box.readFile(paths.configured)) ?? "{}",
    {},
  );
  return marker.warnings?.some(({ code }) => code === `${step}-passed`) ?? false;
}
