// SPDX-License-Identifier: GPL-3.0-or-later
// What a conversation at a terminal needs: the set-up, the terminal, and when it ends.

import { type Translate, translator } from "../i18n/translate.ts";
import type { SetupRunner } from "../setup/runner.ts";
import type { Terminal } from "./terminal.ts";

export interface Conversation {
  readonly runner: SetupRunner;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Called for "back" at the very first question: true ends the conversation. If absent, the question stays. */
  readonly mayLeave?: () => Promise<boolean>;
}

export function translate(runner: SetupRunner): Translate {
  return translator(runner.language);
}
