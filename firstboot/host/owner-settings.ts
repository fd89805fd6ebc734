// SPDX-License-Identifier: GPL-3.0-or-later
// The owner's choices from the step "system", stored for other programs of the box and for `cbox status`.

import { type Box, writeIfChanged } from "./box.ts";
import { paths } from "./paths.ts";

/** Install updates and restart at night if needed; only install; nothing automatic. */
export type Updates = "restart" | "fixes" | "off";

export interface Choices {
  readonly language?: string | undefined;
  readonly timezone?: string | undefined;
  readonly hostname?: string | undefined;
  readonly owner?: string | undefined;
  readonly updates?: Updates | undefined;
}

/** Empty if the file is missing or damaged. */
export async function readChoices(box: Pick<Box, "readFile">): Promise<Choices> {
  try {
    return JSON.parse((await box.readFile(paths.choices)) ?? "{}") as Choices;
  } catch {
    return {};
  }
}

/** Leaves out empty values. */
export async function writeChoices(box: Box, choices: Choices): Promise<void> {
  const chosen = Object.entries(choices).filter(([, value]) => value);
  const text = JSON.stringify(Object.fromEntries(chosen), undefined, 2);
  await writeIfChanged(box, paths.choices, `${text}\n`);
}
