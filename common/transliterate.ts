// SPDX-License-Identifier: GPL-3.0-or-later
// ASCII spelling of names of people and places, for host names and the like. The only place that defines it.

import anyAscii from "any-ascii";

/**
 * The text in ASCII (U+0000 to U+007F): letters and digits of any script by their usual spelling (`ł` l, `Ø` O, `ß` ss, `œ` oe,
 * `й` i), dashes as `-`, white space as a blank. Every other sign beyond ASCII, such as `’`, `·` or a picture, is left
 * out. Upper and lower case stay.
 */
export function transliterate(text: string): string {
  return text.normalize("NFC").replace(/\P{ASCII}/gu, (sign) => {
    if (/[\p{L}\p{M}\p{N}]/u.test(sign)) return anyAscii(sign);
    if (/\s/.test(sign)) return " ";
    return /\p{Pd}/u.test(sign) ? "-" : "";
  });
}
