// SPDX-License-Identifier: GPL-3.0-or-later
// Texts for a terminal that may support only ASCII and 80 columns.

import { transliterate } from "../../common/transliterate.ts";

const SIGNS: Record<string, string> = {
  "·": ".",
  "’": "'",
  "‘": "'",
  "“": '"',
  "”": '"',
  "«": '"',
  "»": '"',
  "–": "-",
  "—": "-",
  "…": "...",
  "¿": "",
  "¡": "",
  º: "o",
  ª: "a",
  "€": "EUR",
  "\u00a0": " ",
};

/** The nearest ASCII text: à becomes a, ł becomes l, l·l becomes l.l. Keeps line breaks, drops other controls. */
export function toAscii(text: string): string {
  return [...text.normalize("NFC").replace(/[\u0300-\u036f]/g, "")]
    .map((sign) => SIGNS[sign] ?? (/[\n\x20-\x7e]/.test(sign) ? sign : sign < " " ? "" : spelled(sign)))
    .join("");
}

function spelled(sign: string): string {
  return transliterate(sign) || "?";
}

/** A command stays on one line, so that it can be copied. */
const COMMAND = /(?:sudo )?\bcbox [a-z]+(?: setup)?/g;
const BOUND = "\u00a0";

/** Lines of at most `width` columns, broken between words where that is possible; later lines get the indent. */
export function wrap(text: string, width: number, indent = ""): string[] {
  return text
    .replace(COMMAND, (command) => command.replaceAll(" ", BOUND))
    .split("\n")
    .flatMap((paragraph) => wrapParagraph(paragraph, width, indent))
    .map((line) => line.replaceAll(BOUND, " "));
}

function wrapParagraph(paragraph: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let rest = paragraph;
  while (rest.length > width) {
    // A break inside the leading blanks would leave an empty line.
    const start = rest.length - rest.trimStart().length;
    const space = rest.lastIndexOf(" ", width);
    const at = space > start ? space : width;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
