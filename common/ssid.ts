// SPDX-License-Identifier: GPL-3.0-or-later
// Names of wireless networks: 1 to 32 bytes (IEEE 802.11) in an unknown encoding. As text: UTF-8, with \xe9 for an
// invalid byte, as iw shows it; \x5c is a literal backslash before such an escape.

/** A UTF-8 sequence of two to four bytes. */
const SIGN = /^(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})/;

/** The bytes on the air. */
export function ssidBytes(text: string): Buffer {
  const parts = [...text.matchAll(/\\x(5c|[89a-f][0-9a-f])|[^\\]+|\\/gi)];
  return Buffer.concat(
    parts.map(([plain, hex]) => (hex === undefined ? Buffer.from(plain) : Buffer.from(hex, "hex"))),
  );
}

/** The text for these bytes. */
export function ssidText(bytes: Uint8Array): string {
  let rest = Buffer.from(bytes).toString("latin1");
  let text = "";
  while (rest !== "") {
    const sign = SIGN.exec(rest)?.[0] ?? "";
    const decoded = Buffer.from(sign, "latin1").toString("utf8");
    // Invalid UTF-8 sequences, such as an unpaired surrogate, are escaped bytewise.
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
