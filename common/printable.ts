// SPDX-License-Identifier: GPL-3.0-or-later
// Untrusted text on a terminal: names of networks and disks, logs of containers, output of programs and servers.
// Control characters could move the cursor, imitate our lines, or answer the terminal's prompts.

/** Control characters, bidirectional marks, and Unicode line separators. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line: invisible characters are shown as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNSEEN, written);
}

/** The same for several lines; tabs are kept, too. */
export function printableLines(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(UNSEEN, (sign) => (/[\n\t]/.test(sign) ? sign : written(sign)));
}

function written(sign: string): string {
  const code = sign.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
