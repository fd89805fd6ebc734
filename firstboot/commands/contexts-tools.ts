// SPDX-License-Identifier: GPL-3.0-or-later
// The tools of the commands of `cbox contexts`.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Translate } from "../i18n/translate.ts";

export interface ContextsTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly t: Translate;
  readonly print: (line: string) => void;
  /** Runs a command on this terminal; resolves to its exit code. */
  readonly onTerminal: (command: string, args: readonly string[]) => Promise<number>;
}
