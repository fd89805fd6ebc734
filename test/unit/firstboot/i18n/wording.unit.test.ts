// SPDX-License-Identifier: GPL-3.0-or-later
// The wording of the Spanish and Catalan texts: the person is addressed by the familiar form (tú, tu), and one thing is
// called by one word.

import { describe, expect, test } from "vitest";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import { catalogues } from "../../../../firstboot/i18n/translate.ts";

/** Spanish: the polite imperatives and verbs that the texts would need; others of their form are also the third person. */
const POLITE_ES = [
  "usted(es)?|(mire|elija|escriba|pulse|pegue|marque|anote|quite|corrija|conecte|desconecte|acerque)n?",
  // After "que" these are the third person: "que la caja vuelva".
  "(?<!que (?:la caja |se |lo |la )?)(enchufe|compruebe|cambie|continúe|vuelva|abra|diga|envíe|busque|avise|apunte)n?",
  "identifíquese|regístrela",
  "(ábra|cámbie|revíse|hága|envíe|avíse|úna|ocúpe|inténte|anóte|apúnte|mánde|péga)(lo|la|le|los|las|se|nos|noslo)",
  "haga sitio|tenga en cuenta|tenga cuidado|póngase|ponga el|reinicie la|entre aquí|si no está segur[oa]",
  "¿quiere( |$)|quería decir|como quería|que quiera|también puede( |$)|puede continuar|podrá entrar|puede pegar",
  "le (damos|han dado|ha dado|preguntará)|(?<!se )ha (elegido|marcado|escrito|salido)|si ha conectado|como eligió|ya dio",
].join("|");

/** Catalan: every verb of the second person plural ends so; the words that end so without being one are left out. */
const POLITE_CA =
  "(?!(?:seu|teu|meu|veu|peu|preu|correu|diu|deu|viu|escriu|treu|dispositiu|arreu|museu|europeu)(?:[^\\p{L}]|$))\\p{L}+[ei]u" +
  "|vau|vós|us|vostr(?:e|a|es)|\\p{L}+-(?:vos|us)(?:-\\p{L}+)?|si us plau";

/** Words of which the texts use another one, since one thing is called by one word. */
const OTHER_WORDS = {
  es: "fichero(s)?|cogid[oa]s?|socia|socio|encaminador(es)?|ajuste(s)?|contexts|MiB (memoria|disco)|GiB disco",
  ca: "arxiu(s)?|agafat|agafada|sòcia|soci|router(s)?|ajustos|contexts|vénen|usa|usen|la web|a instal·lar|és espatllat|MiB (memòria|disc)|GiB disc",
};

/** A whole word, by the letters of the language: \b knows only a-z. */
const word = (forms: string) => new RegExp(`(?<![\\p{L}·/-])(?:${forms})(?![\\p{L}·])`, "iu");

interface Said {
  readonly where: string;
  readonly text: string;
}

function wordsWithin(value: unknown, where: string, language: "es" | "ca"): Said[] {
  if (typeof value !== "object" || value === null) return [];
  const own = (value as Record<string, unknown>)[language];
  if (typeof own === "string") return [{ where, text: own }];
  return Object.entries(value).flatMap(([key, each]) => wordsWithin(each, `${where}.${key}`, language));
}

/** Every text of a language: the catalogues' and all that the services' own files say. */
function everyText(language: "es" | "ca"): Said[] {
  return [
    ...Object.entries(catalogues[language]).map(([where, text]) => ({ where, text })),
    ...catalogue.flatMap((service) => wordsWithin(service, service.id, language)),
  ];
}

/** Without what is a command or the name of a file in every language. */
const spoken = (text: string) => text.replace(/«?\bcbox [a-z]+( [a-z]+)*»?/g, "");

function offenders(language: "es" | "ca", forms: string): string[] {
  return everyText(language).flatMap(({ where, text }) => {
    const found = word(forms).exec(spoken(text));
    return found ? [`${where}: "${found[0]}"`] : [];
  });
}

describe("texts use the familiar form of address", () => {
  test("without a polite form in Spanish", () => expect(offenders("es", POLITE_ES)).toEqual([]));
  test("without a polite form in Catalan", () => expect(offenders("ca", POLITE_CA)).toEqual([]));

  test.each([
    ["es", "Vuelva a intentarlo.", POLITE_ES],
    ["es", "Si no, solo usted las lee.", POLITE_ES],
    ["es", "Para usarlo, cámbiele el nombre.", POLITE_ES],
    ["ca", "Torneu-ho a provar.", POLITE_CA],
    ["ca", "L'ordinador us preguntarà.", POLITE_CA],
    ["ca", "Si n'hi ha un, afegiu-vos-hi.", POLITE_CA],
  ])("checked by a rule that finds the polite form: %s, %s", (_language, text, forms) => {
    expect(text).toMatch(word(forms));
  });

  test.each([
    ["Vuelve a intentarlo, o mira quién es.", POLITE_ES],
    ["Torna-ho a provar. El seu nom es diu i s'escriu a l'ús del correu.", POLITE_CA],
  ])("checked by a rule that accepts the familiar form: %s", (text, forms) =>
    expect(text).not.toMatch(word(forms)),
  );
});

test("no text names a host of one community, which belongs to the settings", () => {
  expect([...everyText("es"), ...everyText("ca")].filter(({ text }) => /guifi\.net/i.test(text))).toEqual([]);
});

test.each(["es", "ca"] as const)("texts use one word for one thing in %s", (language) => {
  expect(offenders(language, OTHER_WORDS[language])).toEqual([]);
});
