// SPDX-License-Identifier: GPL-3.0-or-later
// The description of an error for docs/reference/errors.md.

export interface ErrorEntry {
  /** Its meaning, in Markdown: one sentence without a full stop. */
  readonly means: string;
  /** What to do, in the same form. */
  readonly hint: string;
}

/** By code, sorted. */
export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
