// SPDX-License-Identifier: GPL-3.0-or-later
// A member's user name and password, between the question and the servers. Never written, never logged.

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const PLACEHOLDER = "...";

/** A server's message for a person: one short line, without the secrets, in case the server repeats them. */
export function quotable(text: string, secrets: readonly string[] = [], longest = 100): string {
  const words = secrets
    .flatMap((secret) => [secret, encodeURIComponent(toWellFormed(secret))])
    .filter((secret) => secret.length > 0)
    .reduce((rest, secret) => rest.replaceAll(secret, PLACEHOLDER), text)
    // Control characters could move the cursor or imitate a line of the console.
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return words.length > longest ? `${words.slice(0, longest - PLACEHOLDER.length)}${PLACEHOLDER}` : words;
}

/** An unpaired surrogate, which cannot be encoded, becomes U+FFFD. */
export function toWellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
