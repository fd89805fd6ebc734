// SPDX-License-Identifier: GPL-3.0-or-later
// The ways of PHP that show through in the site's answers: how a query string is read, and how JSON is written.

/** `$_GET`: values decoded once, the last of equal names wins. Text is kept as bytes, one per character. */
export function parseQuery(raw: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of toBytes(raw).split("&")) {
    if (part === "") continue;
    const [name = "", ...value] = part.split("=");
    // A dot or a space cannot be in the name of a PHP variable.
    const variable = urlDecode(name).trimStart().replace(/[. ]/g, "_");
    // Lists (`name[]`) are no text; nothing here takes one.
    if (variable === "" || variable.includes("[")) continue;
    found.set(variable, urlDecode(value.join("=")));
  }
  return found;
}

/** A query string for a log: what it says is a password, however that is written, is not in it. */
export function redacted(raw: string): string {
  const isSecret = (part: string) =>
    urlDecode(part.split("=")[0] ?? "")
      .trim()
      .startsWith("password");
  return raw
    .split("&")
    .map((part) => (isSecret(part) ? "password=(redacted)" : part))
    .join("&");
}

/** `urldecode()`: a plus is a space, and what is no valid escape stays as it is. */
export function urlDecode(bytes: string): string {
  return bytes
    .replaceAll("+", " ")
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** `json_encode()`: slashes and everything beyond ASCII are escaped. */
export function jsonEncode(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("/", "\\/")
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function toBytes(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}
