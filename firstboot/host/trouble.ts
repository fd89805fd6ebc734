// SPDX-License-Identifier: GPL-3.0-or-later
// A failure as plain data, so that it can be stored in the snapshot and shown later, in any language, on any console.

import type { ErrorCode } from "../../common/errors.ts";
import { Failure, type FailureText, type FoundText } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";

export interface Trouble {
  /** A snapshot of another version may contain an unknown code; then `what` is shown. */
  readonly code: ErrorCode;
  /** One sentence in English; `trouble.<code>` in the catalogues has it in the person's language. */
  readonly what: string;
  readonly found?: string;
  /** The same as a text of the catalogues, if there is one. */
  readonly foundText?: FoundText;
  readonly hint?: string;
  /** `what` and `hint` as texts of the catalogues, for a command; the wizard has its own text for the code. */
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
  // Unexpected: the first line is for the person; the rest is logged where it was thrown.
  const what = error instanceof Error ? error.message.split("\n", 1).join("") : String(error);
  return { code: "unexpected", what: printable(what) };
}
