// SPDX-License-Identifier: GPL-3.0-or-later
// What a failure found, as a text of the catalogues: reports and logs have it in English, a page in the person's
// language. Output of programs and servers stays unchanged.

import type { FailureDetails } from "../../common/fail.ts";
import type { TextValues } from "../i18n/translate.ts";
import { english, isTextKey, type TextKey, type Translate } from "../i18n/translate.ts";
import type { Trouble } from "./trouble.ts";

type FoundKey = Extract<TextKey, `found.${string}`>;

/** To be spread into the details of a failure. */
export function sayFound(
  key: FoundKey,
  values: TextValues = {},
): Pick<FailureDetails, "found" | "foundText"> {
  return { found: english(key, values), foundText: { key, values } };
}

/** The output, or a text if it was empty. To be spread into the details of a failure. */
export function saidOr(
  said: string,
  key: FoundKey,
  values: TextValues = {},
): Pick<FailureDetails, "found" | "foundText"> {
  return said ? { found: said } : sayFound(key, values);
}

/** In the language of the page; undefined if nothing was found. */
export function foundSentence(t: Translate, { found, foundText }: Partial<Trouble>): string | undefined {
  return foundText && isTextKey(foundText.key) ? t(foundText.key, foundText.values) : found;
}
