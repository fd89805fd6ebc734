// SPDX-License-Identifier: GPL-3.0-or-later
// All codes of mistakes in a document, with their meanings, for docs/reference/errors.md.

export const mistakes = {
  duplicate: "the same entry twice in a list",
  invalid: "any other rule; the sentence names it",
  missing: "a key that must be there is not",
  "not-allowed": "not one of the values that are allowed",
  "out-of-range": "too small, too large, too short, too long, too few, too many",
  "unknown-key": "a key that does not exist, mostly mistyped",
  "wrong-form": "the right type, but not of the expected form",
  "wrong-type": "a text where a number belongs, and the like",
} satisfies Readonly<Record<string, string>>;
