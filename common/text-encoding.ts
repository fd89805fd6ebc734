// SPDX-License-Identifier: GPL-3.0-or-later
// Text files that people write. Anything but UTF-8 is rejected: a guessed letter may be part of a password.

import { isUtf8 } from "node:buffer";
import { fail } from "./fail.ts";

export type OtherEncoding = "UTF-16" | "Latin-1 (Windows-1252)";

export type Decoded =
  | { readonly text: string }
  /** `line`: the first one that is not UTF-8, from 1. */
  | { readonly encoding: OtherEncoding; readonly line: number };

/** Never replaces invalid bytes by other characters. */
export function decodeText(bytes: Uint8Array): Decoded {
  // Text has no NUL, but in UTF-16 every second byte of English is one; FF FE and FE FF are its byte order marks.
  const isWide =
    bytes.includes(0) || (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isWide) return { encoding: "UTF-16", line: 1 };
  if (isUtf8(bytes)) return { text: Buffer.from(bytes).toString("utf8") };
  return { encoding: "Latin-1 (Windows-1252)", line: firstBadLine(bytes) };
}

/** @throws Failure `text-encoding`. `name`: the file, as the person knows it; "-" for standard input. */
export function textOf(bytes: Uint8Array, name: string): string {
  const decoded = decodeText(bytes);
  if ("text" in decoded) return decoded.text;
  const { encoding, line } = decoded;
  return fail({
    code: "text-encoding",
    what: `${name === "-" ? "What came in" : name} is not saved as UTF-8.`,
    text: {
      key: name === "-" ? "error.text-encoding.input" : "error.text-encoding",
      hint: "error.text-encoding.hint",
      values: { name },
    },
    found: `${encoding}, line ${line}`,
    foundText: { key: "found.encoding", values: { encoding, line } },
    hint: "save it again as UTF-8: in most editors it is a choice of Save As",
  });
}

function firstBadLine(bytes: Uint8Array): number {
  const lineEnd = 0x0a;
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(lineEnd, from);
    const to = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(from, to))) return line;
    from = to;
  }
  return line;
}
