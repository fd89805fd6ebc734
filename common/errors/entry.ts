// SPDX-License-Identifier: GPL-3.0-or-later
// What is written of an error beside its code, for docs/reference/errors.md.

export interface ErrorEntry {
  /** What it means, in Markdown: one sentence without a full stop. */
  readonly means: string;
  /** What to do, in the same form. */
  readonly hint: string;
}

/** By code, sorted. */
export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
