// SPDX-License-Identifier: GPL-3.0-or-later
// New passwords of the owner: what is refused and as what, what is taken, and that names which the box knows do not
// count, however they are put together and spelled.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFile } from "../../../../../firstboot/setup/answers/check.ts";
import { allSteps } from "../../../../../firstboot/steps/index.ts";
import {
  namesKnown,
  passwordFormProblem,
  passwordProblem,
} from "../../../../../firstboot/steps/system/password.ts";
import { bundleFirstboot } from "../../../../../image/stages/bundle.ts";
import { FakeBox, IMAGE } from "../../../helpers/fake-box.ts";

const NAMES = ["anna", "can-bruixa", "guifi"];

describe("a password is refused", () => {
  test.each([
    ["short", "password-short"],
    ["tab\tinside it", "password-characters"],
    ["x1y2z3".repeat(40), "password-long"],
  ])("for its form: %j gives %s", (password, code) => expect(passwordFormProblem(password)).toBe(code));

  test.each([
    "aaaaaaaaaaaa",
    "abcabcabcabc",
    "1234567890",
    "0987654321",
    "qwertyuiop12",
    "Password123!",
    "p4ssw0rd2024",
    "contrasenya1",
    "Contrasenya2026!",
    "messi10messi10",
    "Estiu2026!",
    "Hivern2025!",
    "Primavera2026",
    "Tardor2026!!",
    "Barcelona2026!",
    "B4rcelona_1714",
    "ViscaBarça10",
    "Montserrat1985",
    "Marta1985!!",
    "Núria1992!!",
    "cloudycloudy",
    "Guifinet2026",
    "benvinguda1",
    "17-03-1985-",
  ])("because it is easy to guess: %j", async (password) =>
    expect(await passwordProblem(password, [])).toBe("password-guessable"),
  );

  test.each([
    "anna can-bruixa",
    "kX7qanna2zP",
    "guifi-9xQ2vT-guifi",
    "axiurb4nnaguifi",
    "4nn4 c4n bru1x4 gu1f1",
  ])("because it is little more than names: %j", async (password) =>
    expect(await passwordProblem(password, NAMES)).toBe("password-has-name"),
  );

  test("for containing names only where these are names of the box", async () => {
    expect(await passwordProblem("kX7qanna2zPw", [])).toBeUndefined();
    expect(await passwordProblem("kX7qanna2zPw", NAMES)).toBe("password-has-name");
  });
});

describe("a password is accepted", () => {
  test.each([
    "four wet goats sing",
    "Kx7-pQ9z-mm",
    "sardina blava amb barret",
    "anna menja pa amb oli",
    "cargol groc damunt la teulada",
    "òàèéíóúçñü-42-x",
    "correcthorsebatterystaple",
    "k7Qz9xWm2p",
  ])("%j", async (password) => expect(await passwordProblem(password, NAMES)).toBeUndefined());

  test("within a short time even when it is long", async () => {
    const long = Array.from({ length: 190 }, (_, at) => String.fromCharCode(33 + ((at * 37) % 90))).join("");
    expect(await passwordProblem(long, NAMES)).toBeUndefined();
  });
});

const LEET: { readonly [letter: string]: string } = { a: "4", e: "3", i: "1", o: "0", s: "5", t: "7" };
const spellings: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  (name) => [...name].reverse().join(""),
  (name) => [...name].map((letter) => LEET[letter] ?? letter).join(""),
];

test("a password made of names alone is refused, however they are combined and spelled", async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{2,20}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...spellings)), { minLength: 1, maxLength: 8 }),
      fc.constantFrom("", " ", "-", ".", "_"),
      async (names, parts, between) => {
        const password = parts
          .map(([which, spell]) => spell(names[which % names.length]!))
          .join(between)
          .slice(0, 190);
        if (passwordFormProblem(password)) return;
        expect(await passwordProblem(password, names)).toBeDefined();
      },
    ),
    { numRuns: 200 },
  );
});

test("the password check returns a result for any text", () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 30 }), fc.string(), async (text, name) => {
      passwordFormProblem(text);
      await passwordProblem(text, [name]);
    }),
    { numRuns: 20 },
  ));

test("known names are those of the box, its owner, its member, its device and its community, with their parts", () => {
  expect(
    namesKnown(["anna", "can-bruixa", "BCNCanBruixa20-box", "Guifi.net", undefined, "x"]).sort(),
  ).toEqual(["anna", "bcncanbruixa20", "bcncanbruixa20-box", "bruixa", "can-bruixa", "guifi", "guifi.net"]);
});

describe("an answers file", () => {
  const problemsOf = async (text: object) => {
    const { problems } = await checkFile({ version: 1, ...text }, allSteps, new FakeBox(), IMAGE);
    return problems.map(({ field, code, expected, found }) => ({ field, code, expected, found }));
  };
  const owner = (password: string, hostname = "can-bruixa") => ({
    system: { hostname, owner: { name: "anna", password } },
  });

  test("is refused for a password that is easy to guess, with what to do and without the password", async () => {
    const found = await problemsOf(owner("messi10messi10"));
    expect(found).toMatchObject([{ field: "system.owner.password", code: "password-guessable" }]);
    expect(found[0]?.expected).toMatch(/easy to guess.*four words/);
    expect(JSON.stringify(found)).not.toContain("messi10");
  });

  test("may have any password for the community's account", async () => {
    const given = {
      ...owner("four wet goats sing"),
      member: { sign_in: "now", username: "anna", password: "messi10" },
    };
    expect(await problemsOf(given)).toEqual([]);
  });

  test("is refused for an owner's password with the member's or device's name, although these come later", async () => {
    const password = "kX7q quimverd 2zP";
    expect(await problemsOf(owner(password))).toEqual([]);
    const member = { sign_in: "now", username: "quimverd", password: "x" };
    expect(await problemsOf({ ...owner(password), member })).toMatchObject([{ code: "password-has-name" }]);
    const node = { register: "now", id: "1", accept_licence: true, name: "quimverd" };
    const found = await problemsOf({ ...owner(password), member: { ...member, username: "pere" }, node });
    expect(found.map(({ code }) => code)).toContain("password-has-name");
  });
});

test("the dictionaries are a separate file that other commands do not load", async () => {
  const { files } = await bundleFirstboot();
  expect(files.map(({ name }) => name)).toEqual(["cbox.mjs", "passwords.mjs"]);
  const [program, dictionaries] = files.map(({ code }) => Buffer.from(code).toString());
  expect(program).toContain('import("./passwords.mjs")');
  expect(program!.length).toBeLessThan(2_000_000);
  expect(dictionaries).toContain("contrasenya");
  expect(dictionaries).toContain("OpenSubtitles");
});
