// SPDX-License-Identifier: GPL-3.0-or-later
// A mistake in the answers. Its sentence is in the catalogues under `problem.<code>`: the report quotes it in
// English, the console in the person's language.

import type { FieldError } from "../../common/field-error.ts";
import type { TextValues } from "../i18n/translate.ts";
import { english, type TextKey } from "../i18n/translate.ts";

export type ProblemCode =
  Extract<TextKey, `problem.${string}`> extends `problem.${infer Code}` ? Code : never;

/** A field error, from the schema or from a step, with the values for its sentence in any language. */
export interface Problem extends Omit<FieldError, "code"> {
  readonly code: ProblemCode;
  readonly values?: TextValues;
}

/** Shown in place of a secret value. */
export const HIDDEN = "a value that is not shown here";
const NOTHING = "nothing";

export interface ProblemDetails {
  /** What was typed or written; absent if the answer was left out. */
  readonly found?: string;
  readonly values?: TextValues;
  /** The value that was probably meant. */
  readonly suggestion?: string | undefined;
}

export function problem(field: string, code: ProblemCode, details: ProblemDetails = {}): Problem {
  const { found = NOTHING, values = {}, suggestion } = details;
  const filled = suggestion === undefined ? values : { ...values, suggestion };
  return {
    field,
    code,
    found,
    expected: english(`problem.${code}`, filled),
    ...(suggestion === undefined ? {} : { hint: english("did-you-mean", { suggestion }) }),
    values: filled,
  };
}

/** Whether to quote the value to the person: not if it is missing or secret. */
export function isQuotable({ found }: Problem): boolean {
  return found.trim() !== "" && found !== NOTHING && found !== HIDDEN;
}
