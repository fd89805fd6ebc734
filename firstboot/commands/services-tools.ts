// SPDX-License-Identifier: GPL-3.0-or-later
// The tools of the commands of `cbox services`, and their options.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Translate } from "../i18n/translate.ts";

export interface ServicesTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly t: Translate;
  readonly print: (line: string) => void;
}

export interface ServicesOptions {
  readonly json?: boolean;
  readonly context?: string;
  readonly yes?: boolean;
  readonly name?: string;
  readonly port?: readonly string[];
  /** For a new project: closed until it is claimed. */
  readonly claim?: boolean;
  /** For `spread`, one per line; default: standard input. */
  readonly keys?: string;
}
