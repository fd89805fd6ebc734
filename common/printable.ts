// SPDX-License-Identifier: GPL-3.0-or-later
// Text of strangers on a terminal: names of networks and disks, logs of containers, what programs and servers said. Control
// signs could move the cursor, draw lines that look like ours, or answer the terminal's questions.

/** Controls, signs that turn the direction of writing, and the line ends of Unicode. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line: what is not seen is shown as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNSEEN, written);
}

/** The same for text of several lines; tabs stay, too. */
export function printableLines(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(UNSEEN, (sign) => (/[\n\t]/.test(sign) ? sign : written(sign)));
}

function written(sign: string): string {
  const code = sign.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
