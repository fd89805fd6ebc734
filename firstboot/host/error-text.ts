// SPDX-License-Identifier: GPL-3.0-or-later
// Texts of a command's errors, in the box's languages. A new error: its code in common/errors/commands.ts (setup.ts
// for the set-up), its texts in the catalogues as `error.<code>` and `error.<code>.hint`, with a suffix if there are
// several, and ...errorText("error.<code>", values) in the call of fail().

import type { Failure, FailureDetails, FailureText, FailureValues } from "../../common/fail.ts";
import { english, isTextKey, type Language, type TextKey, translator } from "../i18n/translate.ts";
import { foundSentence } from "./found-text.ts";

/** A sentence that has a hint. */
type HintedKey = TextKey & (Extract<TextKey, `${string}.hint`> extends infer Hint ? SentenceOf<Hint> : never);
type SentenceOf<Hint> = Hint extends `${infer Sentence}.hint` ? Sentence : never;

/** The result of {@link errorText}, with its key in the type: so fail() rejects the text of another code. */
type SaidInText<Key extends TextKey> = Pick<FailureDetails, "what"> & {
  readonly hint: string;
  readonly text: FailureText & { readonly key: Key };
};

/** To be spread into the details of a failure. `hint`: instead of the sentence's own. */
export function errorText<Key extends HintedKey>(
  key: Key,
  values?: FailureValues,
  hint?: TextKey,
): SaidInText<Key>;
export function errorText<Key extends TextKey>(
  key: Key,
  values: FailureValues,
  hint: TextKey,
): SaidInText<Key>;
export function errorText<Key extends TextKey>(
  key: Key,
  values: FailureValues = {},
  hint: TextKey = `${key}.hint` as TextKey,
): SaidInText<Key> {
  return { what: english(key, values), hint: english(hint, values), text: { key, hint, values } };
}

/** The texts of a failure for a person. */
export type FailureWords = Pick<Failure, "code" | "message" | "found" | "hint">;

/**
 * A failure in one language: by its own text, else by the wizard's text for its code. In English the original message
 * is used, which may be more exact.
 */
export function failureIn(language: Language, failure: Failure): FailureWords {
  const { code, message, found, foundText, hint, text } = failure;
  const t = translator(language);
  const { key, hint: hintKey, values } = text ?? ofCode(language, code);
  const say = (which: string, otherwise: string) => (isTextKey(which) ? t(which, values) : otherwise);
  const inFound = foundSentence(t, { ...(found ? { found } : {}), ...(foundText ? { foundText } : {}) });
  return {
    code,
    message: say(key, message),
    found: inFound,
    hint: hint === undefined ? undefined : say(hintKey, hint),
  };
}

function ofCode(language: Language, code: string): FailureText {
  const key = language === "en" ? "" : `trouble.${code}`;
  return { key, hint: key && `${key}.hint`, values: {} };
}
