// SPDX-License-Identifier: GPL-3.0-or-later
// How a failed command ends: its message on standard error, and its exit code.

import { describeFailure, Failure } from "../../common/fail.ts";
import { printableLines } from "../../common/printable.ts";
import { errorText, failureIn } from "../host/error-text.ts";
import { type Language, translator } from "../i18n/translate.ts";

export interface Ending {
  readonly text: string;
  readonly code: number;
}

/** `language`: of the person who reads the message. */
export function ending(thrown: unknown, language: Language = "en"): Ending {
  const error = isUsage(thrown) ? usage(thrown) : thrown;
  if (!(error instanceof Failure)) return { text: `${unforeseen(error)}\n`, code: 70 };
  // Ctrl-C at a question needs no message: nothing was done.
  const isLeft = error.code === "interrupted";
  return { text: isLeft ? "" : `${describe(error, language)}\n`, code: error.exitCode };
}

function describe(failure: Failure, language: Language): string {
  const t = translator(language);
  const labels = { error: t("error-line.error"), found: t("error-line.found"), hint: t("error-line.hint") };
  return describeFailure(failureIn(language, failure), labels);
}

/** With the stack, for a bug report; the message may contain untrusted text. */
function unforeseen(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return printableLines(text).replaceAll("\n", "\n    ");
}

/** Errors of node:util's parseArgs. */
function isUsage(error: unknown): error is Error {
  return String((error as NodeJS.ErrnoException)?.code).startsWith("ERR_PARSE_ARGS_");
}

/** An argument that parseArgs rejected; its message is English only, with the argument between apostrophes. */
function usage({ message }: Error): Failure {
  const word = /'(.*?)(?: <value>)?'/s.exec(message)?.[1] ?? "";
  const [, key] = USAGE.find(([form]) => form.test(message)) ?? [];
  return new Failure({
    code: "usage",
    ...errorText(key ?? "error.usage", { word, said: message }),
    exitCode: 2,
  });
}

const USAGE = [
  [/^Unknown option/, "error.usage.option"],
  [/^Unexpected argument/, "error.usage.argument"],
  [/does not take an argument/, "error.usage.value"],
  [/argument missing|argument is ambiguous/, "error.usage.no-value"],
] as const;
