// SPDX-License-Identifier: GPL-3.0-or-later
// Names of wireless networks. They are bytes (IEEE 802.11, 1 to 32 of them) in no encoding that anybody tells. As text:
// UTF-8, and \xe9 for a byte that is none, as iw shows it; \x5c is a backslash that stands for itself before such signs.

/** Of UTF-8: one sign of two to four bytes. */
const SIGN = /^(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})/;

/** The bytes that are sent. */
export function ssidBytes(text: string): Buffer {
  const parts = [...text.matchAll(/\\x(5c|[89a-f][0-9a-f])|[^\\]+|\\/gi)];
  return Buffer.concat(
    parts.map(([plain, hex]) => (hex === undefined ? Buffer.from(plain) : Buffer.from(hex, "hex"))),
  );
}

/** The text whose bytes these are. */
export function ssidText(bytes: Uint8Array): string {
  let rest = Buffer.from(bytes).toString("latin1");
  let text = "";
  while (rest !== "") {
    const sign = SIGN.exec(rest)?.[0] ?? "";
    const decoded = Buffer.from(sign, "latin1").toString("utf8");
    // Forms of UTF-8 that are not allowed, such as half of a surrogate pair, are bytes like others.
    const isSign = sign !== "" && Buffer.from(decoded).toString("latin1") === sign;
    const [first = ""] = rest;
    const looksLikeByte = /^\\x(?:5c|[89a-f][0-9a-f])/i.test(rest);
    if (isSign) text += decoded;
    else if (first > "\x7f") text += `\\x${first.charCodeAt(0).toString(16)}`;
    else text += looksLikeByte ? "\\x5c" : first;
    rest = rest.slice(isSign ? sign.length : 1);
  }
  return text;
}
