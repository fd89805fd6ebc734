// SPDX-License-Identifier: GPL-3.0-or-later
// Texts in the languages of the box. English is the reference: its keys are the type, and the type check requires the
// same keys and placeholders in the other catalogues.

import type { FailureValues } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { catalogueTexts } from "../catalogue/texts.ts";
import { ca, en, es } from "./index.ts";

export type TextKey = keyof typeof en;
export type Catalogue = Record<TextKey, string>;
export type Language = "en" | "ca" | "es";

/** The services of the catalogue have their own texts. */
export const catalogues: Record<Language, Catalogue> = {
  en: { ...en, ...catalogueTexts("en", en) },
  ca: { ...ca, ...catalogueTexts("ca", ca) },
  es: { ...es, ...catalogueTexts("es", es) },
};
export const languages = Object.keys(catalogues) as Language[];

/** Values for the placeholders of a text, by name. */
export type TextValues = FailureValues;

/** Returns a text in one language. */
export type Translate = (key: TextKey, values?: TextValues) => string;

export function translator(language: string): Translate {
  const own = isLanguage(language) ? language : "en";
  return (key, values = {}) => fill(catalogues[own][key], values, own);
}

/** The reference language, for reports and logs, which other people and programs read. */
export const english: Translate = translator("en");

export function isLanguage(text: string): text is Language {
  return Object.hasOwn(catalogues, text);
}

/** For keys that are composed at run time, such as `problem.<code>`. */
export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(catalogues.en, key);
}

/** A value may be untrusted: it stays on its line, and its control characters are shown. */
function fill(template: string, values: TextValues, language: Language): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values[name] ?? placeholder;
    return printable(typeof value === "object" ? value[language] : String(value));
  });
}
