// SPDX-License-Identifier: GPL-3.0-or-later
// The consoles of the set-up, with the words of strangers in every part of a page: names of networks and disks, what
// servers and programs said, values of an answers file. On a clever terminal and on a dumb one.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import { choose, pick } from "../../../../firstboot/console/menu.ts";
import * as pages from "../../../../firstboot/console/pages.ts";
import { progressText } from "../../../../firstboot/console/progress.ts";
import type { Page } from "../../../../firstboot/console/terminal.ts";
import { sayFound } from "../../../../firstboot/host/found-text.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { toTrouble } from "../../../../firstboot/host/trouble.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import type { SetupContext } from "../../../../firstboot/setup/machine.ts";
import { type Question, questionsOf } from "../../../../firstboot/setup/questions.ts";
import type { Step } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";
import { expectTame, FIRST, words } from "../../helpers/stranger.ts";

/** No page has words for it, so that those of the failure are shown. */
const NOT_OF_A_BOX = "internal-error";
const RUNS = { numRuns: 20 };
const t = translator("en");
const signal = new AbortController().signal;

/** What the terminal itself sends: it clears the screen or a line, and a line ends with CR LF. */
const withoutOwn = (screen: string) =>
  screen.replaceAll(/\x1b\[2J\x1b\[H|\r\x1b\[K|\x1b\[6n|\x1b\[\d+D/g, "").replaceAll("\r\n", "\n");

function expectTameScreen(person: Person, where: string): void {
  const screen = withoutOwn(person.screen);
  expectTame(screen, where);
  expect(screen, where).toContain(FIRST);
}

describe.each([
  ["a clever terminal", true],
  ["a dumb terminal", false],
])("text from outside stays quoted on %s", (_name, isRich) => {
  const page = (said: string): Page => ({
    tag: "test",
    title: said,
    lines: [said, `  ${said}`],
    error: said,
    keys: said,
    more: said,
  });

  test("in every part of a page, and in lines between pages", () => {
    fc.assert(
      fc.property(words, (said) => {
        const person = new Person(isRich);
        const { terminal } = person;
        terminal.show(page(said));
        terminal.line(said);
        terminal.begin(said);
        terminal.begin(said, { replace: true });
        terminal.end(said);
        terminal.note(said);
        terminal.show({ ...page(said), tag: "next" });
        expectTameScreen(person, "a page");
      }),
      RUNS,
    );
  });

  test("in the labels of a menu, such as the names of networks and disks", async () => {
    await fc.assert(
      fc.asyncProperty(words, async (said) => {
        const person = new Person(isRich);
        const options = ["a", "b"].map((value) => ({ value, label: said }));
        const chosen = choose(person.terminal, { tag: "one", title: "" }, options, 0, signal);
        person.type("\r");
        expect(await chosen).toEqual({ value: "a" });
        const picked = pick(person.terminal, { tag: "some", title: "" }, options, ["b"], signal);
        person.type("\r");
        expect(await picked).toEqual({ values: ["b"] });
        const asked = person.terminal.ask({ tag: "text", title: "" }, signal, { initial: said });
        person.type("x\r");
        expect(await asked).toEqual({ value: "x" });
        expectTameScreen(person, "a menu");
      }),
      RUNS,
    );
  });

  test.each(Object.entries(pagesOf()))("on the page %s", (name, make) => {
    fc.assert(
      fc.property(words, (said) => {
        const person = new Person(isRich);
        for (const each of make(said)) person.terminal.show(each);
        expectTameScreen(person, name);
      }),
      RUNS,
    );
  });
});

/** The pages that may quote somebody, by the function that makes them. */
function pagesOf(): Readonly<Record<string, (said: string) => readonly Page[]>> {
  const summary = (said: string) => ({
    hostname: said,
    owner: said,
    addresses: [said],
    fingerprints: [said],
  });
  const warnings = (said: string) => [
    { code: said, step: said },
    { code: "vpn-passed", step: "vpn", values: { reason: said } },
  ];
  const handedOver = (said: string) => [
    { key: "hand-over.services.secret" as const, values: { secret: said, name: said } },
  ];
  return {
    welcomePage: (said) => [
      pages.welcomePage(said, said, false, { note: said, misnamed: said, words: [said] }),
    ],
    busyPage: (said) => [pages.busyPage(t, said)],
    refusedPage: (said) => [
      pages.refusedPage(t, [
        { code: "unknown-key", field: said, found: said, values: { suggestion: said, expected: said } },
        { code: "hostname-syntax", field: "system.hostname", found: said },
      ] as never),
    ],
    questionPage: (said) => [pages.questionPage(t, question, said, [said], { name: said, ssid: said })],
    helpPage: (said) => [pages.helpPage(t, question, [said])],
    logPage: (said) => [pages.logPage(t, [`2026-01-01T00:00:00.000Z ${said}`])],
    reviewDetailPage: (said) => [pages.reviewDetailPage(t, contextOf(said), steps, IMAGE)],
    failurePage: (said) =>
      [
        toTrouble(new Failure({ code: NOT_OF_A_BOX, what: said, found: `a\n${said}`, hint: said })),
        toTrouble(
          new Failure({ code: NOT_OF_A_BOX, what: "Odd.", ...sayFound("found.disk-of", { mib: 1, said }) }),
        ),
        toTrouble(new Error(said)),
      ].map((trouble) => pages.failurePage(t, trouble, "vpn")),
    failureHelpPage: (said) => [
      pages.failureHelpPage(t, toTrouble(new Failure({ code: NOT_OF_A_BOX, what: said }))),
    ],
    donePage: (said) => [
      pages.donePage(t, {
        ...{ summary: summary(said), warnings: warnings(said), works: [said], handedOver: handedOver(said) },
      }),
    ],
    stepDonePage: (said) => [pages.stepDonePage(t, "vpn", warnings(said), handedOver(said))],
  };
}

const [system] = steps.filter(({ id }) => id === "system");
const [question] = questionsOf(system as Step) as [Question];

function contextOf(said: string): SetupContext {
  const answers = { system: { hostname: said, timezone: said, owner: { name: said, ssh_keys: [said] } } };
  return { answers, providedSecrets: [], warnings: [], problems: [] } as never;
}

test("every page of the consoles is tested", () => {
  // These say nothing that is not in the catalogues.
  const own = ["movedPage", "reviewPage"];
  const all = Object.keys(pages).filter((name) => name.endsWith("Page"));
  expect([...Object.keys(pagesOf()), ...own].sort()).toEqual(all.sort());
});

test("the choices of the review, each of one line, and the progress of the set-up keep text from outside quoted", () => {
  fc.assert(
    fc.property(words, (said) => {
      const person = new Person();
      for (const { label } of pages.reviewOptions(t, contextOf(said), steps)) person.terminal.line(label);
      const done = {
        step: "services",
        key: "progress.services.activate" as const,
        values: { title: said },
        transient: false,
      };
      person.terminal.line(progressText(t, done));
      expectTameScreen(person, "the review");
    }),
    RUNS,
  );
});

test("what a text of the catalogue quotes does not get a line of its own in any failure", () => {
  fc.assert(
    fc.property(words, (said) => {
      const { found = "" } = new Failure({
        code: NOT_OF_A_BOX,
        what: "Odd.",
        ...sayFound("found.exit-code", { code: said }),
      });
      expect(found).toContain(FIRST);
      expectTame(found, "found");
      expect(found).not.toContain("\n");
    }),
    RUNS,
  );
});

test("the log writes one line for each entry, and indents continuation lines", async () => {
  await fc.assert(
    fc.asyncProperty(words, async (said) => {
      const box = new FakeBox();
      const log = openLog(box);
      log(said);
      log(`stack\n${said}`);
      await log.tail(1);
      const text = box.files.get(paths.log) ?? "";
      expectTame(text, "the log");
      for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^(2026-\S+ | {4})/);
    }),
    RUNS,
  );
});
