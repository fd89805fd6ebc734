// SPDX-License-Identifier: GPL-3.0-or-later
// Is a new password good enough? Long and hard to guess, not counting the names that the box knows.

export type PasswordFormProblem = "password-short" | "password-long" | "password-characters";
export type PasswordProblem = "password-has-name" | "password-guessable";

export const PASSWORD_MINIMUM = 10;
/** chpasswd(8) reads lines into a buffer of 8 KiB; PAM modules stop at 512. */
const PASSWORD_MAXIMUM = 200;

/**
 * The number of guesses a password must withstand. Zxcvbn gives a word with a year and a sign its third score (10^8),
 * and does not give the fourth (10^10) to ten random characters; this is in between. Over SSH, one address can make
 * about ten guesses per second: ten years.
 */
const GUESSES = 10 ** 9.5;

/** Shorter names are part of too many words. */
const SHORTEST_NAME = 3;
const SHORTEST_PART = 4;

export function passwordFormProblem(password: string): PasswordFormProblem | undefined {
  const length = [...password].length;
  if (/\p{Cc}/u.test(password)) return "password-characters";
  if (length < PASSWORD_MINIMUM) return "password-short";
  if (length > PASSWORD_MAXIMUM) return "password-long";
  return undefined;
}

/** `names`: those that do not count, from {@link namesKnown}. */
export async function passwordProblem(
  password: string,
  names: readonly string[],
): Promise<PasswordProblem | undefined> {
  const { guesses } = await import("../../passwords/estimate.ts");
  const rest = withoutNames(password, names);
  if (rest !== password && guesses(rest) < GUESSES) return "password-has-name";
  return guesses(password) < GUESSES ? "password-guessable" : undefined;
}

/** Names and their parts ("can-bruixa" and "bruixa"), without those that are too short to be meaningful. */
export function namesKnown(names: readonly (string | undefined)[]): string[] {
  const whole = names.flatMap((name) => (name === undefined ? [] : [name.trim().toLowerCase()]));
  const parts = whole.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u));
  return [
    ...new Set([
      ...whole.filter(({ length }) => length >= SHORTEST_NAME),
      ...parts.filter(({ length }) => length >= SHORTEST_PART),
    ]),
  ];
}

/** Characters that replace a letter. */
const LOOK_ALIKE: { readonly [letter: string]: string } = {
  a: "a4@",
  e: "e3",
  i: "i1!",
  l: "l1",
  o: "o0",
  s: "s5$",
  t: "t7",
};

/** The rest of a password without the characters that belong to a name, forwards or backwards. */
function withoutNames(password: string, names: readonly string[]): string {
  const signs = [...password];
  const lower = signs.map((sign) => sign.toLowerCase());
  const isOfName = signs.map(() => false);
  for (const name of names) {
    const letters = [...name.toLowerCase()];
    for (const spelled of [letters, [...letters].reverse()]) {
      for (let at = 0; at + spelled.length <= signs.length; at++) {
        if (spelled.every((letter, index) => isLike(letter, lower[at + index])))
          isOfName.fill(true, at, at + spelled.length);
      }
    }
  }
  return signs.filter((_, index) => !isOfName[index]).join("");
}

function isLike(letter: string, sign = ""): boolean {
  return letter === sign || (LOOK_ALIKE[letter]?.includes(sign) ?? false);
}
