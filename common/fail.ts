// SPDX-License-Identifier: GPL-3.0-or-later
// The one door for errors a person should read: a stable code, a sentence, what was found, and what to do.

import { printable, printableLines } from "./printable.ts";
import type { Words } from "./service.ts";

/** What goes into a text of the box's catalogues, by the name of its place; words in all languages such as a title, too. */
export interface FailureValues {
  readonly [name: string]: string | number | Words;
}

/** The key of a text and what goes into it. */
export interface FoundText {
  readonly key: string;
  readonly values: FailureValues;
}

/** The keys of a sentence and of its hint, and what goes into both. */
export interface FailureText extends FoundText {
  readonly hint: string;
}

/** What went wrong, for a person. `code` is stable and listed in docs/errors.md; `hint` is a command where possible. */
export interface FailureDetails {
  readonly code: string;
  readonly what: string;
  readonly found?: string;
  /** `found` as a text of the box's catalogues, where it is one. */
  readonly foundText?: FoundText;
  readonly hint?: string;
  /** `what` and `hint` as texts of the box's catalogues, where they are. */
  readonly text?: FailureText;
  /** Exit code of the process, 1 unless said. 130 after Ctrl-C. */
  readonly exitCode?: number;
}

export class Failure extends Error {
  readonly code: string;
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
}

/** Throws a {@link Failure}. */
export function fail(details: FailureDetails, options?: ErrorOptions): never {
  throw new Failure(details, options);
}

/** What stands before the lines of a failure, in one language. */
export interface FailureLabels {
  readonly error: string;
  readonly found: string;
  readonly hint: string;
}

const LABELS: FailureLabels = { error: "error:", found: "found:", hint: "hint:" };
/** Columns before the words of a line. */
const COLUMN = 7;

/** A failure as the lines a terminal shows: the sentence, what was found, the hint. */
export function describeFailure(
  { code, message, found, hint }: Pick<Failure, "code" | "message" | "found" | "hint">,
  labels: FailureLabels = LABELS,
): string {
  const begin = (label: string) => label.padEnd(COLUMN);
  const lines = [`${begin(labels.error)}${message} [${code}]`];
  // Indented, so that no line of somebody else looks like one of these.
  if (found) lines.push(`${begin(labels.found)}${found.replaceAll("\n", `\n${begin("")}`)}`);
  if (hint) lines.push(`${begin(labels.hint)}${hint}`);
  return lines.join("\n");
}
