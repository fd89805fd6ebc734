// SPDX-License-Identifier: GPL-3.0-or-later
// A failure as plain data, so that it can be kept in the snapshot and shown later, in any language, on any console.

import type { ErrorCode } from "../../common/errors.ts";
import { Failure, type FailureText, type FoundText } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";

export interface Trouble {
  /** A snapshot of another version may hold one that is not listed any more; it has no words then, but its own. */
  readonly code: ErrorCode;
  /** One sentence, in English; `trouble.<code>` in a catalogue says it in the person's language. */
  readonly what: string;
  readonly found?: string;
  /** The same as a text of the catalogues, where it is one. */
  readonly foundText?: FoundText;
  readonly hint?: string;
  /** `what` and `hint` as texts of the catalogues, for a command; a page has its own sentence for the code. */
  readonly text?: FailureText;
}

export function toTrouble(error: unknown): Trouble {
  if (error instanceof Failure) {
    const { code, message, found, foundText, hint, text } = error;
    return {
      ...{ code, what: message },
      ...(found ? { found } : {}),
      ...(foundText ? { foundText } : {}),
      ...(hint ? { hint } : {}),
      ...(text ? { text } : {}),
    };
  }
  // Not foreseen: the first line is for the person, the rest goes to the log where it was thrown.
  const what = error instanceof Error ? error.message.split("\n", 1).join("") : String(error);
  return { code: "unexpected", what: printable(what) };
}
