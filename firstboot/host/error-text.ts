// SPDX-License-Identifier: GPL-3.0-or-later
// The words of errors that a command raises, in the languages of the box. A new error: its code stands in
// common/errors/commands.ts (setup.ts where the set-up meets it, too), its sentence and its hint in the catalogues as
// `error.<code>` and `error.<code>.hint`, with one more word in the key where a code has several sentences. The code
// calls fail() with the code and, in the place of `what` and `hint`, ...errorText("error.<code>", { what fills it }).
// The type refuses the text of another code. What was found stands beside it, as words of others or by sayFound().

import type { Failure, FailureDetails, FailureText, FailureValues } from "../../common/fail.ts";
import { english, isTextKey, type Language, type TextKey, translator } from "../i18n/translate.ts";
import { foundSentence } from "./found-text.ts";

/** A sentence that has a hint beside it. */
type HintedKey = TextKey & (Extract<TextKey, `${string}.hint`> extends infer Hint ? SentenceOf<Hint> : never);
type SentenceOf<Hint> = Hint extends `${infer Sentence}.hint` ? Sentence : never;

/** What {@link errorText} gives: the key is known to the type, so that it is held to be the one of the code. */
type SaidInText<Key extends TextKey> = Pick<FailureDetails, "what"> & {
  readonly hint: string;
  readonly text: FailureText & { readonly key: Key };
};

/** To be spread into the details of a failure. `hint`: where it is not the sentence's own. */
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

/** What a person reads of a failure. */
export type FailureWords = Pick<Failure, "code" | "message" | "found" | "hint">;

/**
 * A failure in one language: by its own text, else by the one that the wizard has for its code. English says what was
 * said where it was raised, which may be more exact.
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
