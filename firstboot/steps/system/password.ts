// SPDX-License-Identifier: GPL-3.0-or-later
// Is a new password good enough? Long, hard to guess, and that without the names that the box knows: those do not count.

export type PasswordFormProblem = "password-short" | "password-long" | "password-characters";
export type PasswordProblem = "password-has-name" | "password-guessable";

export const PASSWORD_MINIMUM = 10;
/** chpasswd(8) reads lines into a buffer of 8 KiB; PAM modules stop at 512. */
const PASSWORD_MAXIMUM = 200;

/**
 * How many guesses it must stand. Zxcvbn gives every word with a year and a sign behind it its third score (10^8), and
 * keeps the fourth (10^10) from ten random signs; this lies between. Over SSH, one address gets some ten guesses a
 * second at the most: ten years.
 */
const GUESSES = 10 ** 9.5;

/** Names shorter than this are in every other word. */
const SHORTEST_NAME = 3;
const SHORTEST_PART = 4;

export function passwordFormProblem(password: string): PasswordFormProblem | undefined {
  const length = [...password].length;
  if (/\p{Cc}/u.test(password)) return "password-characters";
  if (length < PASSWORD_MINIMUM) return "password-short";
  if (length > PASSWORD_MAXIMUM) return "password-long";
  return undefined;
}

/** `names`: those that do not count, as {@link namesKnown} gives them. */
export async function passwordProblem(
  password: string,
  names: readonly string[],
): Promise<PasswordProblem | undefined> {
  const { guesses } = await import("../../passwords/estimate.ts");
  const rest = withoutNames(password, names);
  if (rest !== password && guesses(rest) < GUESSES) return "password-has-name";
  return guesses(password) < GUESSES ? "password-guessable" : undefined;
}

/** Names as they are and in parts ("can-bruixa" and "bruixa"), without those that are too short to mean something. */
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

/** Signs that stand for a letter. */
const LOOK_ALIKE: { readonly [letter: string]: string } = {
  a: "a4@",
  e: "e3",
  i: "i1!",
  l: "l1",
  o: "o0",
  s: "s5$",
  t: "t7",
};

/** What is left of a password when every sign that belongs to a name is taken out, in either direction. */
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
