// SPDX-License-Identifier: GPL-3.0-or-later
// What the set-up asks about a field of answers, in the languages of the box beside English: for the comments of a
// file that people fill in. The set-up's own words are in words.json, which `npm run docs` writes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCatalogue } from "../../common/catalogue.ts";
import { PROJECT, SERVICES } from "../host/paths.ts";

const LANGUAGES = ["ca", "es"] as const;
type Words = Readonly<Record<(typeof LANGUAGES)[number], Readonly<Record<string, string>>>>;

/** By language, then by field. */
export const WORDS = "image/answers/words.json";

/** Lines such as "ca: Com es diu la caixa?"; none for a field that nobody is asked about. */
export type WordsOf = (field: string) => readonly string[];

export function setUpWords(): WordsOf {
  const texts = LANGUAGES.map((language) => ({ language, texts: textsIn(language) }));
  return (field) =>
    texts.flatMap(({ language, texts }) => {
      const text = texts.get(field);
      return text === undefined ? [] : [`${language}: ${text}`];
    });
}

function textsIn(language: (typeof LANGUAGES)[number]): ReadonlyMap<string, string> {
  const words = JSON.parse(readFileSync(join(PROJECT, WORDS), "utf8")) as Words;
  const texts = new Map(Object.entries(words[language]));
  for (const service of readCatalogue(SERVICES)) {
    texts.set(`services.${service.id}`, service.description[language]);
    for (const [name, { ask }] of Object.entries(service.inputs)) {
      if (ask) texts.set(`services.${service.id}.${name}`, ask[language]);
    }
  }
  return texts;
}
