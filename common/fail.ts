// SPDX-License-Identifier: GPL-3.0-or-later
// The one door for errors a person should read: a stable code, a sentence, what was found, and what to do.

import { printable, printableLines } from "./printable.ts";

/** The key of a text and what goes into it. */
export interface FoundText {
  readonly key: string;
  readonly values: { readonly [name: string]: string | number };
}

/** What went wrong, for a person. `code` is stable and listed in docs/errors.md; `hint` is a command where possible. */
export interface FailureDetails {
  readonly code: string;
  readonly what: string;
  readonly found?: string;
  /** `found` as a text of the box's catalogues, where it is one. */
  readonly foundText?: FoundText;
  readonly hint?: string;
  /** Exit code of the process, 1 unless said. 130 after Ctrl-C. */
  readonly exitCode?: number;
}

export class Failure extends Error {
  readonly code: string;
  readonly found: string | undefined;
  readonly foundText: FoundText | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(details: FailureDetails, options?: ErrorOptions) {
    super(printable(details.what), options);
    this.name = "Failure";
    this.code = details.code;
    this.found = details.found === undefined ? undefined : printableLines(details.found);
    this.foundText = details.foundText;
    this.hint = details.hint === undefined ? undefined : printable(details.hint);
    this.exitCode = details.exitCode ?? 1;
  }
}

/** Throws a {@link Failure}. */
export function fail(details: FailureDetails, options?: ErrorOptions): never {
  throw new Failure(details, options);
}

/** A failure as the lines a terminal shows: the sentence, what was found, the hint. */
export function describeFailure(failure: Failure): string {
  const lines = [`error: ${failure.message} [${failure.code}]`];
  // Indented, so that no line of somebody else looks like one of these.
  if (failure.found) lines.push(`found: ${failure.found.replaceAll("\n", "\n       ")}`);
  if (failure.hint) lines.push(`hint:  ${failure.hint}`);
  return lines.join("\n");
}
