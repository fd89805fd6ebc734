// SPDX-License-Identifier: GPL-3.0-or-later
// What the set-up asks about a field of answers, in the languages of the box beside English: for the comments of a file
// that people fill in. Read as data, from where the set-up has it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCatalogue } from "../../common/catalogue.ts";
import { PROJECT, SERVICES } from "../host/paths.ts";

const LANGUAGES = ["ca", "es"] as const;

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
  const folder = join(PROJECT, "firstboot/i18n", language);
  const texts = new Map<string, string>();
  for (const name of readdirSync(folder)) {
    const catalogue = JSON.parse(readFileSync(join(folder, name), "utf8")) as Record<string, string>;
    for (const [key, text] of Object.entries(catalogue)) {
      // A text with a gap is about something that only a box can name.
      if (key.startsWith("ask.") && !/\{\w+\}/.test(text)) texts.set(key.slice("ask.".length), text);
    }
  }
  for (const service of readCatalogue(SERVICES)) {
    texts.set(`services.${service.id}`, service.description[language]);
    for (const [name, { ask }] of Object.entries(service.inputs)) {
      if (ask) texts.set(`services.${service.id}.${name}`, ask[language]);
    }
  }
  return texts;
}
