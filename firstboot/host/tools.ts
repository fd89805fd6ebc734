// SPDX-License-Identifier: GPL-3.0-or-later
// What a feature works with that changes the box, whoever has called it: a step, a command, a timer.

import type { TextKey, TextValues } from "../i18n/translate.ts";
import type { Box } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";

/** Tells the person what is going on. `transient`: replaces the line before it where the terminal can. */
export type Progress = (
  key: TextKey,
  values?: TextValues,
  options?: { readonly transient?: boolean },
) => void;

export interface Tools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}
