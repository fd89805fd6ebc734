// SPDX-License-Identifier: GPL-3.0-or-later
// The only way to raise an error for a person: a stable code, a sentence, what was found, and what to do.

import type { ErrorCode, ErrorCodeOf } from "./errors.ts";
import { printable, printableLines } from "./printable.ts";
import type { Words } from "./service.ts";

/** Values for a text of the box's catalogues, by placeholder; also texts in all languages, such as a title. */
export interface FailureValues {
  readonly [name: string]: string | number | Words;
}

/** The key of a text and its values. */
export interface FoundText {
  readonly key: string;
  readonly values: FailureValues;
}

/** The keys of a sentence and of its hint, with the values of both. */
export interface FailureText extends FoundText {
  readonly hint: string;
}

interface FailureSaid {
  readonly what: string;
  readonly found?: string;
  /** `found` as a text of the box's catalogues, if there is one. */
  readonly foundText?: FoundText;
  readonly hint?: string;
  /** Exit code of the process, default 1. 130 after Ctrl-C. */
  readonly exitCode?: number;
}

/** The key of a text starts with the code; the sentence may also be that of a mistake in a document. */
type TextOf<Code extends ErrorCode> = FailureText & {
  readonly key: `error.${Code}` | `error.${Code}.${string}` | `problem.${string}`;
};

/** `what` and `hint` as texts of the box's catalogues: required for errors of a box's commands. */
type SaidAs<Code extends ErrorCode> =
  Code extends ErrorCodeOf<"commands"> ? { readonly text: TextOf<Code> } : { readonly text?: TextOf<Code> };

/** What went wrong, for a person. `code` is stable, see common/errors.ts; `hint` is a command if possible. */
export type FailureDetails = {
  [Code in ErrorCode]: FailureSaid & { readonly code: Code } & SaidAs<Code>;
}[ErrorCode];

/** A failure read from a snapshot or received from another of our programs. */
export interface ToldFailure extends FailureSaid {
  readonly code: ErrorCode;
  readonly text?: FailureText;
}

export class Failure extends Error {
  readonly code: ErrorCode;
  readonly found: string | undefined;
  readonly foundText: FoundText | undefined;
  readonly hint: string | undefined;
  readonly text: FailureText | undefined;
  readonly exitCode: number;

  constructor(details: FailureDetails, options?: ErrorOptions) {
    super(printable(details.what), options);
    this.name = "Failure";
    this.code = details.code;
    this.found = details.found === undefined ? undefined : printableLines(details.found);
    this.foundText = details.foundText;
    this.hint = details.hint === undefined ? undefined : printable(details.hint);
    this.text = details.text;
    this.exitCode = details.exitCode ?? 1;
  }

  /** Recreates such a failure. The type of its texts was checked where it was first raised. */
  static again(told: ToldFailure, options?: ErrorOptions): Failure {
    return new Failure(told as FailureDetails, options);
  }
}

/** Throws a {@link Failure}. */
export function fail(details: FailureDetails, options?: ErrorOptions): never {
  throw new Failure(details, options);
}

/** Several mistakes as `found`: each on a line of its own, which a sentence in `what` cannot have. */
export function foundList(mistakes: readonly string[]): string {
  return mistakes.map((each) => `\n  - ${printable(each)}`).join("");
}

/** The labels before the lines of a failure, in one language. */
export interface FailureLabels {
  readonly error: string;
  readonly found: string;
  readonly hint: string;
}

const LABELS: FailureLabels = { error: "error:", found: "found:", hint: "hint:" };
/** Width of the labels. */
const COLUMN = 7;

/** A failure as the lines a terminal shows: the sentence, what was found, the hint. */
export function describeFailure(
  { code, message, found, hint }: Pick<Failure, "code" | "message" | "found" | "hint">,
  labels: FailureLabels = LABELS,
): string {
  const begin = (label: string) => label.padEnd(COLUMN);
  const lines = [`${begin(labels.error)}${message} [${code}]`];
  // Indented, so that no quoted line looks like one of ours.
  if (found) lines.push(`${begin(labels.found)}${found.replaceAll("\n", `\n${begin("")}`)}`);
  if (hint) lines.push(`${begin(labels.hint)}${hint}`);
  return lines.join("\n");
}
