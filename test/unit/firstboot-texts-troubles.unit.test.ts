// SPDX-License-Identifier: GPL-3.0-or-later
// Every failure that can end on a person's page has its sentence and its hint in all languages. Which failures those are
// is read from the code: every object with `code` and `what` in a file that the set-up imports.

import { describe, expect, test } from "vitest";
import { Failure } from "../../common/fail.ts";
import { failurePage } from "../../firstboot/console/pages.ts";
import { sayFound } from "../../firstboot/host/found-text.ts";
import { toTrouble } from "../../firstboot/host/trouble.ts";
import { catalogues, isTextKey, languages, translator } from "../../firstboot/i18n/translate.ts";
import { importedFrom, raisedIn } from "./helpers/failures-in-code.ts";

const entries = ["firstboot/setup/runner.ts", "firstboot/steps/index.ts", "firstboot/host/linux.ts"];

/** Said on no page of the wizard: by `cbox reset` and `cbox services`, and where the program does not start
 * or a command is given a file. */
const ON_NO_PAGE = [
  "account-stays",
  "service-running",
  "image-info-unreadable",
  "setup-busy",
  "text-encoding",
];

/** The code of each failure that a file makes: every word of the value of `code`, beside its words. */
function failureCodes(text: string): string[] {
  const values = [...text.matchAll(/\bcode: ([^{}]*?),\s+(?:what:|\.\.\.errorText\()/g)].map(
    ([, value = ""]) => value,
  );
  return values.flatMap((value) => [...value.matchAll(/"([\w-]+)"/g)].map(([, code = ""]) => code));
}

const files = importedFrom(entries);
const codes = [...new Set([...files.values()].flatMap(failureCodes))].sort();

test("raised failures are found in the code", () => {
  expect(files.has("firstboot/steps/system/verify.ts")).toBe(true);
  for (const [file, text] of files) {
    const made = text.split(/\b(?:fail|new Failure)\(\s*\{\s*code: [^A-Z]/).length - 1;
    expect(failureCodes(text).length, file).toBeGreaterThanOrEqual(made);
  }
  expect(codes).toEqual(
    expect.arrayContaining(["account-missing", "reply-too-large", "vpn-silent", "unexpected"]),
  );
});

describe.each(languages)("failures on a page in %s", (language) => {
  test.each(codes.filter((code) => !ON_NO_PAGE.includes(code)))(
    "include %s, with what it is and what to do",
    (code) => {
      const lacking = [`trouble.${code}`, `trouble.${code}.hint`].filter(
        (key) => !isTextKey(key) || !(catalogues[language] as Record<string, string>)[key],
      );
      expect(lacking).toEqual([]);
    },
  );
});

describe("the finding of a failure", () => {
  test.each([
    ["en", "Found: no answer from a DHCP server"],
    ["es", "Detalle: no responde ningún servidor DHCP"],
    ["ca", "Detall: no respon cap servidor DHCP"],
  ])("is shown in the language of the page, also from the snapshot: %s", (language, line) => {
    const failure = new Failure({ code: "no-address", what: "No address.", ...sayFound("found.no-dhcp") });
    expect(failure.found).toBe("no answer from a DHCP server");
    const kept = JSON.parse(JSON.stringify(toTrouble(failure)));
    expect(failurePage(translator(language), kept, "network").lines).toContain(line);
  });

  test("stays as it is when a program printed it", () => {
    const failure = new Failure({ code: "command-failed", what: "It failed.", found: "E: no space" });
    expect(failurePage(translator("es"), toTrouble(failure), "system").lines).toContain(
      "Detalle: E: no space",
    );
  });

  test("is nowhere an English sentence in the code of the box", () => {
    // Two words in a row between quotes are a sentence.
    const offenders = [...importedFrom(["firstboot/main.ts"], { lazily: true })]
      .filter(([file]) => file.startsWith("firstboot/"))
      .flatMap(([file, text]) => raisedIn(file, text))
      .flatMap(({ file, body }) =>
        [...body.matchAll(/\bfound:\s*([^\n]*)/g)]
          .filter(([, found = ""]) => /["`}][^"`{}]*\b[a-z]{2,} [a-z]{2,}/.test(found))
          .map(([, found]) => `${file}: ${found}`),
      );
    expect(offenders).toEqual([]);
  });
});
