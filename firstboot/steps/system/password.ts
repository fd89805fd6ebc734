// SPDX-License-Identifier: GPL-3.0-or-later
// Is a password good enough? Long, not made of the names on the box, not one that guessers try first.
// A few plain rules that can be said in a sentence, instead of a large dictionary on a small box.

export type PasswordProblem =
  | "password-short"
  | "password-long"
  | "password-characters"
  | "password-has-name"
  | "password-repetitive"
  | "password-common";

export const PASSWORD_MINIMUM = 10;
/** chpasswd(8) reads lines into a buffer of 8 KiB; PAM modules stop at 512. */
const PASSWORD_MAXIMUM = 200;

// Words guessers begin with, in the languages around here. Compared without digits, signs and leet.
const COMMON_WORDS = new Set(
  `password passwords passwort contrasenya contrasena contrassenya clave clausecreta secret secreto supersecret
   qwerty qwertyuiop qwertyuiopasdfgh asdfghjkl zxcvbnm admin administrator administrador root toor changeme
   changemenow letmein letmeinnow welcome benvingut bienvenido iloveyou testimo tequiero teamo raspberry
   raspberrypi debian linux ubuntu community communitybox comunitat comunidad guifi guifinet cloudy clommunity
   internet router wireless barcelona catalunya princess dragon monkey football futbol barca visca viscabarca
   default test testing prova prueba holahola hola abcdefghij abcdef server servidor computer ordinador`.split(
    /\s+/,
  ),
);

const RUNS = ["abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

/** `names` are the words that must not be in it: the user's, the box's. */
export function passwordProblem(password: string, names: readonly string[]): PasswordProblem | undefined {
  const length = [...password].length;
  if (/\p{Cc}/u.test(password)) return "password-characters";
  if (length < PASSWORD_MINIMUM) return "password-short";
  if (length > PASSWORD_MAXIMUM) return "password-long";
  const lower = password.toLowerCase();
  if (names.some((name) => name.length >= 3 && remainder(lower, name.toLowerCase()) < 8)) {
    return "password-has-name";
  }
  if (new Set(lower).size < 5 || isRepeated(lower)) return "password-repetitive";
  if (isGuessable(lower)) return "password-common";
  return undefined;
}

/** Letters left when a name is taken out; infinite when it is not in there. */
function remainder(password: string, name: string): number {
  const rest = password.replaceAll(name, "").length;
  return rest === password.length ? Number.POSITIVE_INFINITY : rest;
}

function isRepeated(password: string): boolean {
  for (let unit = 1; unit <= 4; unit++) {
    if (
      password ===
      password
        .slice(0, unit)
        .repeat(Math.ceil(password.length / unit))
        .slice(0, password.length)
    ) {
      return true;
    }
  }
  return false;
}

function isGuessable(password: string): boolean {
  const spelled = password
    .replaceAll("4", "a")
    .replaceAll("@", "a")
    .replaceAll("3", "e")
    .replaceAll("1", "i")
    .replaceAll("0", "o")
    .replaceAll("5", "s")
    .replaceAll("$", "s")
    .replaceAll("7", "t");
  const words = [password, spelled].flatMap((text) => [
    text.replace(/[^a-z]/g, ""),
    // Digits and signs before and after are what people add when told to.
    text.replace(/^[^a-z]+|[^a-z]+$/g, ""),
  ]);
  // The leet reading turns trailing digits into letters; take those off in the plain one first.
  words.push(
    password
      .replace(/[^\p{L}]+$/u, "")
      .replaceAll("0", "o")
      .replaceAll("1", "i")
      .replaceAll("4", "a"),
  );
  return words.some((word) => COMMON_WORDS.has(word)) || isRun(password);
}

/** Mostly keys beside each other or letters in a row, forward or backward. */
function isRun(password: string): boolean {
  const reversed = [...password].reverse().join("");
  return [password, reversed].some((text) => {
    let covered = 0;
    for (let at = 0; at + 4 <= text.length; ) {
      const run = RUNS.map((line) => runLength(text, at, line)).reduce((a, b) => Math.max(a, b));
      covered += run >= 4 ? run : 0;
      at += run >= 4 ? run : 1;
    }
    return covered * 4 >= text.length * 3;
  });
}

function runLength(text: string, at: number, line: string): number {
  let length = 0;
  while (at + length < text.length && line.includes(text.slice(at, at + length + 1))) length++;
  return length;
}
