// SPDX-License-Identifier: GPL-3.0-or-later
// The list of errors: what its types refuse, that each code is raised somewhere, and that the catalogues of the box
// have the texts of those that are met there, in all languages.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { errorsByPlace } from "../../../common/errors.ts";
import { Failure, fail } from "../../../common/fail.ts";
import { errorText } from "../../../firstboot/host/error-text.ts";
import { catalogues, languages } from "../../../firstboot/i18n/translate.ts";
import { PROJECT } from "../../../image/host/paths.ts";

const codesOf = (...places: (keyof typeof errorsByPlace)[]) =>
  places.flatMap((place): string[] => Object.keys(errorsByPlace[place]));
const all = codesOf(...(Object.keys(errorsByPlace) as (keyof typeof errorsByPlace)[]));

test("the type check refuses what does not belong to a code", () => {
  // It fails in this file when one of these lines is none of the mistakes that it expects.
  const refused = [
    // @ts-expect-error there is no such code
    () => fail({ code: "no-such-code", what: "?" }),
    // @ts-expect-error only a script says it
    () => fail({ code: "npm-failed", what: "?" }),
    // @ts-expect-error what a command says is in the catalogues
    () => fail({ code: "sliver-unknown", what: "?" }),
    // @ts-expect-error what a command says is in the catalogues
    () => new Failure({ code: "sliver-unknown", what: "?" }),
    // @ts-expect-error the text of another code
    () => fail({ code: "box-full", ...errorText("error.usage") }),
    // @ts-expect-error there is no such text
    () => fail({ code: "box-full", ...errorText("error.no-such-text") }),
    // @ts-expect-error a text without a hint beside it
    () => errorText("did-you-mean", {}),
  ];
  expect(refused).toHaveLength(7);
});

describe("the list of errors", () => {
  test.each(Object.entries(errorsByPlace))("%s is sorted", (_place, errors) => {
    const codes = Object.keys(errors);
    expect(codes).toEqual([...codes].sort());
  });

  test("has each code once", () => {
    expect(all.filter((code, index) => all.indexOf(code) !== index)).toEqual([]);
  });

  test("says what each one means and what to do, as cells of a table", () => {
    const cells = Object.values(errorsByPlace).flatMap((errors) =>
      Object.values(errors).flatMap(({ means, hint }) => [means, hint]),
    );
    expect(cells.filter((cell) => !/^[^|\n]*[^|\n.]$/.test(cell))).toEqual([]);
  });
});

describe("each code of the list is raised", () => {
  const sources = ["common", "firstboot", "image", "test/lab", "test/bench"].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !(folder === "common" && name.startsWith("errors")))
      .map((name) => readFileSync(join(PROJECT, folder, name), "utf8")),
  );
  const literals = new Set(sources.flatMap((text) => text.match(/"[a-z]+(?:-[a-z]+)*"/g) ?? []));

  test("by a program", () => {
    const programs = all.filter((code) => !codesOf("scripts").includes(code));
    expect(programs.filter((code) => !literals.has(`"${code}"`))).toEqual([]);
  });

  test("or by a shell script, which says no other", () => {
    const scripts = ["cbox", "image/convert/head.sh"].flatMap((name) => [
      ...readFileSync(join(PROJECT, name), "utf8").matchAll(/(?:stop|refuse) ([a-z-]+) "/g),
    ]);
    const said = scripts.map(([, code = ""]) => code);
    expect(said.filter((code) => !all.includes(code))).toEqual([]);
    expect(codesOf("scripts").filter((code) => !said.includes(code))).toEqual([]);
  });
});

describe.each(languages)("the catalogue %s", (language) => {
  const catalogue = catalogues[language] as Record<string, string>;
  const keys = Object.keys(catalogue);
  /** "error.usage.option.hint" -> "usage" */
  const codesWith = (prefix: string) =>
    keys.filter((key) => key.startsWith(prefix)).map((key) => key.split(".")[1] ?? "");

  test.each(codesOf("setup"))("says on a page what %s is and what to do", (code) => {
    const needed = [`trouble.${code}`, `trouble.${code}.hint`];
    expect(needed.filter((key) => !catalogue[key])).toEqual([]);
  });

  // A code may have the sentence of a mistake in a document instead: `problem.<code>`, with a hint of its own.
  test.each(codesOf("commands", "shared"))("has words of %s for a command", (code) => {
    expect(codesWith("error.")).toContain(code);
  });

  test("leaves no text of an error empty", () => {
    const texts = keys.filter((key) => /^(?:error|trouble)\./.test(key));
    expect(texts.filter((key) => !catalogue[key]?.trim())).toEqual([]);
  });

  test("has no texts of errors that are met elsewhere, or not at all", () => {
    const pages = codesOf("setup");
    const commands = codesOf("setup", "commands", "shared");
    expect(codesWith("trouble.").filter((code) => !pages.includes(code))).toEqual([]);
    expect(codesWith("error.").filter((code) => !commands.includes(code))).toEqual([]);
  });
});
