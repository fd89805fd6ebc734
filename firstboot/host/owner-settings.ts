// SPDX-License-Identifier: GPL-3.0-or-later
// What the owner chose in the step "system", kept on the box for its other programs and for `cbox status`.

import { type Box, writeIfChanged } from "./box.ts";
import { paths } from "./paths.ts";

/** Install them, and restart by night where one is needed; install them only; nothing by itself. */
export type Updates = "restart" | "fixes" | "off";

export interface Choices {
  readonly language?: string | undefined;
  readonly timezone?: string | undefined;
  readonly hostname?: string | undefined;
  readonly owner?: string | undefined;
  readonly updates?: Updates | undefined;
}

/** Nothing, where there is no file yet, or a damaged one. */
export async function readChoices(box: Pick<Box, "readFile">): Promise<Choices> {
  try {
    return JSON.parse((await box.readFile(paths.choices)) ?? "{}") as Choices;
  } catch {
    return {};
  }
}

/** Without those that are empty. */
export async function writeChoices(box: Box, choices: Choices): Promise<void> {
  const chosen = Object.entries(choices).filter(([, value]) => value);
  const text = JSON.stringify(Object.fromEntries(chosen), undefined, 2);
  await writeIfChanged(box, paths.choices, `${text}\n`);
}
