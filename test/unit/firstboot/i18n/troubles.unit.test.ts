// SPDX-License-Identifier: GPL-3.0-or-later
// What the set-up says on a page when it fails. The list of errors says which codes it can meet, and errors.unit that
// each of them has its texts in all languages; that the set-up raises no others is read from the code here.

import { describe, expect, test } from "vitest";
import { setupErrors } from "../../../../common/errors/setup.ts";
import type { ErrorCode } from "../../../../common/errors.ts";
import { Failure } from "../../../../common/fail.ts";
import { failurePage } from "../../../../firstboot/console/pages.ts";
import { sayFound } from "../../../../firstboot/host/found-text.ts";
import { toTrouble } from "../../../../firstboot/host/trouble.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { importedFrom, raisedIn } from "../../helpers/failures-in-code.ts";

const entries = ["firstboot/setup/runner.ts", "firstboot/steps/index.ts", "firstboot/host/linux.ts"];

/** Said on no page of the wizard: by `cbox reset` and `cbox services`, and where the program does not start
 * or a command is given a file. */
const ON_NO_PAGE: readonly ErrorCode[] = [
  "account-stays",
  "service-running",
  "image-info-unreadable",
  "text-encoding",
];

const raised = [...importedFrom(entries)].flatMap(([file, text]) => raisedIn(file, text));

test("the set-up raises the errors of its list, and those that no page says", () => {
  expect(raised.length).toBeGreaterThan(80);
  const known: readonly string[] = [...Object.keys(setupErrors), ...ON_NO_PAGE];
  const others = raised.filter(({ codes }) => codes.some((code) => !known.includes(code)));
  expect(others.map(({ file, codes }) => `${file}: ${codes}`)).toEqual([]);
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
