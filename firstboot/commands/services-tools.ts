// SPDX-License-Identifier: GPL-3.0-or-later
// What the commands of `cbox services` work with, and the options that a person has given.

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
  /** Of a project that is added: closed until it is claimed. */
  readonly claim?: boolean;
  /** For `spread`, one a line; standard input unless said. */
  readonly keys?: string;
}
