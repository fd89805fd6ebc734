// SPDX-License-Identifier: GPL-3.0-or-later
// A translated guide has all that the English page has: its sections in their order, and its code, letter by letter.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT } from "../../../image/host/paths.ts";

const GUIDES = join(PROJECT, "docs/guides");
const LANGUAGES = ["ca", "es"];

type Part = { readonly line: number; readonly kind: string; readonly text: string };

/** The headings of a page, by their levels, and its code blocks, in their order. */
function parts(page: string): Part[] {
  const lines = page.split("\n");
  const found: Part[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const text = lines[index] ?? "";
    const [heading] = /^#+ /.exec(text) ?? [];
    if (heading) found.push({ line, kind: `heading of level ${heading.length - 1}`, text });
    if (!/^\s*```/.test(text)) continue;
    const end = lines.findIndex((each, at) => at > index && /^\s*```\s*$/.test(each));
    found.push({ line, kind: "code block", text: lines.slice(index, end + 1).join("\n") });
    index = end;
  }
  return found;
}

/** Where a translation first differs from the English page, in words; undefined where it has the same parts. */
function difference(english: string, translation: string): string | undefined {
  const [wanted, own] = [parts(english), parts(translation)];
  for (let index = 0; index < Math.max(wanted.length, own.length); index++) {
    const [here, there] = [wanted[index], own[index]];
    if (!there) return `at its end: lacks the ${here?.kind} of line ${here?.line}: ${here?.text}`;
    if (!here) return `line ${there.line}: has a ${there.kind} more: ${there.text}`;
    if (here.kind !== there.kind)
      return `line ${there.line}: has a ${there.kind}, and line ${here.line} in English a ${here.kind}: ${here.text}`;
    if (here.kind === "code block" && here.text !== there.text)
      return `line ${there.line}: has other code than line ${here.line} in English`;
  }
  return undefined;
}

const read = (...path: string[]) => readFileSync(join(GUIDES, ...path), "utf8");
const pages = LANGUAGES.flatMap((language) =>
  readdirSync(join(GUIDES, language)).map((name) => [language, name] as const),
);

test.each(pages)("%s/%s has the sections and the code of the English page", (language, name) => {
  const found = difference(read(name), read(language, name));
  expect(found && `docs/guides/${language}/${name}, ${found}`).toBeUndefined();
});

test("the languages have the same pages", () => {
  const [first, ...others] = LANGUAGES.map((language) => readdirSync(join(GUIDES, language)).sort());
  for (const each of others) expect(each).toEqual(first);
});

describe("a difference is said with its place", () => {
  const english = "# One\n\n```\nls\n```\n\n## Two\n";
  test.each([
    ["a section is missing", "# Un\n\n```\nls\n```\n", "at its end: lacks the heading of level 2 of line 7"],
    ["a section has another level", "# Un\n\n```\nls\n```\n### Dos\n", "line 6: has a heading of level 3"],
    ["code is missing", "# Un\n\n## Dos\n", "line 3: has a heading of level 2, and line 3 in English a code"],
    ["code is other", "# Un\n\n```\ndir\n```\n\n## Dos\n", "line 3: has other code than line 3"],
    ["a section is too many", `${english}## Tres\n`, "line 8: has a heading of level 2 more: ## Tres"],
  ])("%s", (_name, translation, said) => {
    expect(difference(english, translation)).toContain(said);
  });

  test("other words are none", () => {
    expect(difference(english, "# Un\n\nText.\n\n```\nls\n```\n\n## Dos\n")).toBeUndefined();
  });

  test("nor are signs of headings in code", () => {
    expect(parts("```\n# a comment\n```\n").map(({ kind }) => kind)).toEqual(["code block"]);
  });
});
