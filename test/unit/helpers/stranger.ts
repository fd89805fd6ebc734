// SPDX-License-Identifier: GPL-3.0-or-later
// Words of a stranger for every place where a command quotes some: control signs with nothing harmful after them, and a
// second line that looks like one of ours. And what a terminal may get of them.

import fc from "fast-check";
import { expect } from "vitest";

/** What the second line says; no line of a terminal may begin with it. */
export const FORGED = "[error] forged";
/** What the words begin with: it shows that a command has quoted them. */
export const FIRST = "stranger";

const CONTROLS = [
  "\x1b[2J",
  "\x1b]0;t\x07",
  "\x9b1m",
  "\x9d0;t\x9c",
  "\x07",
  "\b",
  "\x7f",
  "\u202e",
  "\u2066",
];
const LINE_ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"];

export const words: fc.Arbitrary<string> = fc
  .tuple(fc.shuffledSubarray(CONTROLS, { minLength: 3 }), fc.constantFrom(...LINE_ENDS))
  .map(([signs, end]) => `${FIRST}${signs.join("")}${end}${FORGED}`);

/** `where`: for the message. `lines`: such as the terminal gets them, which may be one string of several. */
export function expectTame(text: string, where: string): void {
  const shown = JSON.stringify(text);
  expect(text.replaceAll("\n", ""), `${where}: ${shown}`).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  for (const line of text.split("\n"))
    expect(line.startsWith(FORGED), `${where}, a line of its own: ${shown}`).toBe(false);
}
