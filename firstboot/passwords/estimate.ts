// SPDX-License-Identifier: GPL-3.0-or-later
// Estimates the guesses needed for a password, by zxcvbn and its dictionaries. They take about 70 MB of memory and,
// on a small box, seconds to load; therefore they are a separate file, loaded when a password was chosen.

import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import graphs from "@zxcvbn-ts/language-common/src/adjacencyGraphs.json" with { type: "json" };
import passwords from "@zxcvbn-ts/language-common/src/passwords.json" with { type: "json" };
import wordsEn from "@zxcvbn-ts/language-en/src/commonWords.json" with { type: "json" };
import namesEn from "@zxcvbn-ts/language-en/src/firstnames.json" with { type: "json" };
import sequencesEn from "@zxcvbn-ts/language-en/src/wordSequences.json" with { type: "json" };
import wordsEs from "@zxcvbn-ts/language-es-es/src/commonWords.json" with { type: "json" };
import namesEs from "@zxcvbn-ts/language-es-es/src/firstnames.json" with { type: "json" };
import familiesEs from "@zxcvbn-ts/language-es-es/src/lastnames.json" with { type: "json" };
import wikipediaEs from "@zxcvbn-ts/language-es-es/src/wikipedia.json" with { type: "json" };
import sequencesEs from "@zxcvbn-ts/language-es-es/src/wordSequences.json" with { type: "json" };
import { WORDS } from "./words.ts";

/*! Word lists of zxcvbn-ts (MIT). Those of common words derive from OpenSubtitles 2024 by way of OPUS
    (https://opus.nlpl.eu/), by Helsinki-NLP, under ODC-BY: subtitles in words, counted, normalized and filtered. */
// English family names and encyclopedia, half of all entries, are left out: they are unlikely in passwords here.
const zxcvbn = new ZxcvbnFactory({
  dictionary: {
    ours: [...WORDS],
    passwords,
    wordsEn,
    namesEn,
    ...sequencesEn,
    wordsEs,
    namesEs,
    familiesEs,
    wikipediaEs,
    ...sequencesEs,
  },
  graphs,
  // The time grows with the square of the length, and this many characters are enough.
  maxLength: 40,
  l33tMaxSubstitutions: 20,
});

/** A cache: all boxes of a fleet may have the same password. */
const known = new Map<string, number>();

/** Guesses of an attacker who tries likely passwords first; accents do not count. */
export function guesses(password: string): number {
  const before = known.get(password);
  if (before !== undefined) return before;
  const plain = password.normalize("NFD").replace(/\p{M}/gu, "");
  const fewest = Math.min(...[...new Set([password, plain])].map((text) => zxcvbn.check(text).guesses));
  known.set(password, fewest);
  return fewest;
}
