// SPDX-License-Identifier: GPL-3.0-or-later
// What a feature needs to change the box, for all callers: a step, a command, a timer.

import type { TextKey, TextValues } from "../i18n/translate.ts";
import type { Box } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";

/** Shows progress to the person. `transient`: replaced by the next line where the terminal can do that. */
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
