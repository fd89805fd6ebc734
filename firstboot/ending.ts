// SPDX-License-Identifier: GPL-3.0-or-later
// How a command ends that something went wrong in: what it says on standard error, and its exit code.

import { describeFailure, Failure } from "../common/fail.ts";
import { printableLines } from "../common/printable.ts";

export interface Ending {
  readonly text: string;
  readonly code: number;
}

export function ending(thrown: unknown): Ending {
  const error = isUsage(thrown) ? usage(thrown) : thrown;
  if (!(error instanceof Failure)) return { text: `${unforeseen(error)}\n`, code: 70 };
  // Who pressed Ctrl-C at a question knows that, and nothing was done.
  const isLeft = error.code === "interrupted";
  return { text: isLeft ? "" : `${describeFailure(error)}\n`, code: error.exitCode };
}

/** With where it was thrown; the message may hold words of others. */
function unforeseen(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return printableLines(text).replaceAll("\n", "\n    ");
}

/** node:util's parseArgs says well enough what it did not understand. */
function isUsage(error: unknown): error is Error {
  return String((error as NodeJS.ErrnoException)?.code).startsWith("ERR_PARSE_ARGS_");
}

function usage({ message }: Error): Failure {
  const what = message.split(". ", 1).join("");
  return new Failure({ code: "usage", what: `${what}.`, hint: "cbox help", exitCode: 2 });
}
