// SPDX-License-Identifier: GPL-3.0-or-later
// A member's user name and password, on their way from the question to the servers. Never written, never logged.

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const PLACEHOLDER = "...";

/** A server's own words for a person: one line, short, and without the secrets, should the server repeat them. */
export function quotable(text: string, secrets: readonly string[] = [], longest = 100): string {
  const words = secrets
    .flatMap((secret) => [secret, encodeURIComponent(toWellFormed(secret))])
    .filter((secret) => secret.length > 0)
    .reduce((rest, secret) => rest.replaceAll(secret, PLACEHOLDER), text)
    // Control signs could move the cursor or fake a line of the console.
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return words.length > longest ? `${words.slice(0, longest - PLACEHOLDER.length)}${PLACEHOLDER}` : words;
}

/** Half a surrogate pair, which no encoding knows, becomes U+FFFD. */
export function toWellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
