// SPDX-License-Identifier: GPL-3.0-or-later
// The review of seven steps on one screen of 80x24, its details, and pages that are longer than a screen.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  helpPage,
  problemSentence,
  reviewDetailPage,
  reviewOptions,
  reviewPage,
  stepSummary,
  warningText,
  welcomePage,
} from "../../../../firstboot/console/pages.ts";
import { type Page, parts } from "../../../../firstboot/console/terminal.ts";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { languages, translator } from "../../../../firstboot/i18n/translate.ts";
import { INITIAL_CONTEXT, type SetupContext } from "../../../../firstboot/setup/machine.ts";
import { problem } from "../../../../firstboot/setup/problems.ts";
import { questionsOf } from "../../../../firstboot/setup/questions.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { QuestionSchema, Step } from "../../../../firstboot/setup/step.ts";
import { steps as realSteps } from "../../../../firstboot/steps/index.ts";
import { FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";

const text: QuestionSchema = { type: "string" };

function step(
  id: string,
  properties: QuestionSchema["properties"] = { word: text },
  more: Partial<Step> = {},
): Step {
  return {
    id,
    schema: { type: "object", properties },
    skippable: true,
    probe: async () => ({ defaults: { word: "w".repeat(100) } }),
    check: () => [],
    apply: async () => {},
    verify: async () => [],
    ...more,
  };
}

const system = realSteps[0]!;
const member = step("member", {
  join: { type: "boolean" },
  name: text,
  tags: { type: "array", items: text },
  password: { type: "string", "x-secret": true },
});
const seven = [
  system,
  step("network"),
  member,
  ...["node", "vpn", "contexts", "services"].map((id) => step(id)),
];

function contextOf(answers: SetupContext["answers"], providedSecrets: readonly string[] = []): SetupContext {
  return { ...INITIAL_CONTEXT, answers, providedSecrets };
}

const full = contextOf(
  {
    system: {
      language: "en",
      timezone: "Europe/Madrid",
      hostname: "can-bruixa",
      owner: { name: "anna", ssh_keys: [] },
    },
    network: { word: "w".repeat(100) },
    member: { join: true, name: "anna.b", tags: ["a", "b"] },
  },
  ["system.owner.password"],
);
const t = translator("en");

describe("the line of a step in the review", () => {
  test("is the step's own summary, and names the secrets that were given", () => {
    expect(stepSummary(t, full, system)).toBe("System: can-bruixa, anna, Europe/Madrid, password: given");
    expect(stepSummary(t, { ...full, providedSecrets: [] }, system)).toBe(
      "System: can-bruixa, anna, Europe/Madrid",
    );
  });

  test("is otherwise made of the answers: single values alone, yes or no and lists with their label", () => {
    expect(stepSummary(t, full, member)).toBe("Member: join: Yes, anna.b, tags: a, b");
    expect(stepSummary(t, { ...full, providedSecrets: ["member.password"] }, member)).toMatch(
      /, password: given$/,
    );
  });

  test("says so when the step has no answers", () => {
    expect(stepSummary(t, full, seven.at(-1)!)).toBe("Services: none");
  });
});

test("a line that is too long is cut before the note that a password was given", () => {
  const long = contextOf(
    {
      system: {
        hostname: `cbox-${"x".repeat(50)}`,
        timezone: "America/Argentina/Buenos_Aires",
        owner: { name: "anna" },
      },
    },
    ["system.owner.password"],
  );
  const line = reviewOptions(t, long, [system])[1]?.label ?? "";
  expect(line).toMatch(/^System: cbox-x+.*\.\.\., password: given$/);
  expect(line.length).toBeLessThanOrEqual(72);
  const secretive = step("member", {
    name: text,
    ...Object.fromEntries(
      ["one", "two"].map((word) => [word.repeat(12), { type: "string", "x-secret": true }]),
    ),
  });
  const both = contextOf({ member: { name: "n".repeat(90) } }, [
    "member.".concat("one".repeat(12)),
    "member.".concat("two".repeat(12)),
  ]);
  expect(reviewOptions(t, both, [secretive])[1]?.label).toMatch(/^Member: nnnn.{0,80}$/);
});

test("fixed values of an answer are shown translated", () => {
  const node = realSteps.find(({ id }) => id === "node")!;
  const answers = { node: { register: "now", id: 54052, address_from: "auto", name: "can-bruixa-box" } };
  const shown = (reviewDetailPage(t, contextOf(answers), [node], IMAGE).lines ?? []).join("\n");
  expect(shown).toContain("The first one that can");
  expect(shown).not.toMatch(/\bauto\b/);
  expect(shown).toContain("can-bruixa-box");
});

test.each([
  ["member", "member-unasked"],
  ["vpn", "rendezvous-silent"],
  ["network", "not-waited"],
])("the reason why the step %s was skipped is shown as a sentence, not as %s", (id, reason) => {
  for (const language of languages) {
    const sentence = warningText(translator(language), {
      code: `${id}-passed`,
      step: id,
      values: { reason },
    });
    expect(sentence).not.toContain(reason);
    expect(sentence).toMatch(/[.!] [^ ].*\.$|setup [A-Z].*\.$/);
  }
});

test("an empty answer is not quoted, and other answers are", () => {
  const sentence = (found: string) =>
    problemSentence(t, problem("system.owner.name", "owner-name-syntax", { found }));
  for (const nothing of ["", "  "]) expect(sentence(nothing)).not.toContain('"');
  expect(sentence("Anna B")).toContain('("Anna B")');
});

describe.each(languages)("the review of seven steps in %s", (language) => {
  const translate = translator(language);
  const options = reviewOptions(translate, full, seven);

  test("offers nine choices of one line each, to apply first", () => {
    expect(options.map(({ value }) => value)).toEqual([
      "apply",
      ...seven.map(({ id }) => `edit ${id}`),
      "detail",
    ]);
    for (const { label } of options) expect(`  9. ${label}`.length).toBeLessThan(79);
    expect(options[1]?.label).toContain("can-bruixa, anna");
    const lines = options.map(({ label }) => `> 1. ${label}`);
    expect(parts({ ...reviewPage(translate), lines: ["", ...lines], more: "more" })).toHaveLength(1);
  });

  test("shows every answer on a line, and no secret, in its detail page", () => {
    const { lines = [] } = reviewDetailPage(translate, full, seven, IMAGE);
    expect(lines.join("\n")).toMatch(/can-bruixa\n/);
    expect(lines.join("\n")).not.toContain(PASSWORD);
    for (const line of lines) expect(line.length).toBeLessThan(79);
  });
});

test.each([
  ["dumb", false],
  ["rich", true],
])(
  "on a %s terminal the ninth choice shows the details, a number changes a step, and the first applies",
  async (_kind, isRich) => {
    const box = new FakeBox();
    const plain = seven.map((each) => step(each.id, { word: text }));
    const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
    const runner = await SetupRunner.open({ box, image, steps: plain, log: openLog(box) });
    runner.start();
    await runner.reached("welcome");
    const person = new Person(isRich);
    const gone = new AbortController();
    const talk = converse({ runner, terminal: person.terminal, signal: gone.signal });
    for (const { id } of plain) {
      await person.sees(`[${id}/word]`);
      await person.sees("> ");
      person.type(`the ${id}\r`);
    }
    await person.sees("[review]");
    await person.sees("9. Everything in detail");
    person.type("9\r");
    await person.sees("[review/detail]");
    await person.sees("Enter: more");
    person.type("\r");
    await person.sees("the services");
    person.type("\r");
    await person.sees("[review]");
    await person.sees("9. Everything in detail");
    person.type("4\r");
    await person.sees("[member/word]");
    await person.sees("> ");
    person.type("another\r");
    await person.sees("[review]");
    await person.sees("4. Member: another");
    await person.sees("9. Everything in detail");
    person.type("1\r");
    await talk;
    expect(runner.state).toBe("done");
  },
);

test.each([
  ["dumb", false],
  ["rich", true],
])("Enter pressed too often at the last question applies nothing on a %s terminal", async (_kind, isRich) => {
  const box = new FakeBox();
  const [only] = seven.slice(-1).map((each) => step(each.id, { word: text }));
  const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
  const runner = await SetupRunner.open({ box, image, steps: [only!], log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  const person = new Person(isRich);
  const gone = new AbortController();
  const talk = converse({ runner, terminal: person.terminal, signal: gone.signal });
  await person.sees("[services/word]");
  await person.sees("> ");
  person.type("word\r\r\r");
  await person.sees("[review]");
  // With Enter taken as the answer, this would come too late.
  await person.sees("2. Services: word");
  person.type("2\r");
  await person.sees("[services/word]");
  expect(runner.context.completedSteps).toEqual([]);
  gone.abort();
  await expect(talk).rejects.toThrow();
  runner.stop();
});

/** The conversation about one step, in English. */
async function talkAbout(only: Step, isRich: boolean) {
  const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
  const box = new FakeBox();
  const runner = await SetupRunner.open({ box, image, steps: [only], log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  const person = new Person(isRich);
  const gone = new AbortController();
  const talk = converse({ runner, terminal: person.terminal, signal: gone.signal });
  const leave = async () => {
    gone.abort();
    await talk.catch(() => {});
    runner.stop();
  };
  return { runner, person, talk, leave };
}

test("a note on the boot partition is shown on the first page and in the help, as far as it fits", async () => {
  const box = new FakeBox();
  box.files.set("/boot/efi/note.txt", `You are anna.\r\n\n${"x".repeat(200)}\n${"line\n".repeat(50)}`);
  const runner = await SetupRunner.open({ box, image: IMAGE, steps: seven, log: openLog(box) });
  expect(runner.note[0]).toBe("You are anna.");
  expect(runner.note).toHaveLength(8);
  for (const line of runner.note) expect(line.length).toBeLessThanOrEqual(76);
  const welcome = welcomePage("0.1.0", "A box", false, { words: runner.note });
  expect(welcome.lines).toContain("You are anna.");
  expect(parts({ ...welcome, more: "more" })).toHaveLength(1);
  const [question] = questionsOf(member);
  expect(helpPage(t, question!, runner.note).lines).toContain("You are anna.");
  expect(helpPage(t, question!).lines).not.toContain("You are anna.");
});

test("a password that is too short is refused before it has to be repeated", async () => {
  const guarded = step(
    "system",
    { password: { type: "string", "x-secret": true } },
    {
      check: ({ password }) =>
        typeof password === "string" && password.length < 10
          ? [problem("system.password", "password-short", { values: { minimum: 10 } })]
          : [],
    },
  );
  const { person, leave } = await talkAbout(guarded, false);
  await person.answers("system/password", "short");
  await person.sees("A password needs at least 10 characters.");
  expect(person.screen).not.toContain("system/password.repeat");
  await person.sees("> ");
  person.type("long enough to do\r");
  await person.answers("system/password.repeat", "long enough to do");
  await person.sees("[review]");
  await leave();
});

describe.each([
  ["dumb", false],
  ["rich", true],
])("a question on a %s terminal", (_name, isRich) => {
  const boolean: QuestionSchema = { type: "boolean", "x-together": "which" };

  test("keeps the marks after its help and after going back", async () => {
    const marks = step("services", { word: text, one: boolean, two: boolean, three: boolean });
    const { person, runner, leave } = await talkAbout(marks, isRich);
    const end = isRich ? "" : "\r";
    const second = isRich ? "2. [x] services/two" : "[x] 2. services/two";
    await person.answers("services/word", "word");
    await person.sees("[services/which]");
    await person.sees("services/three");
    person.type(`2${end}`);
    await person.sees(second);
    person.type(`?${end}`);
    await person.sees("[help/services/which]");
    // Not with the question mark: a person reads first.
    person.terminal.keys.endCommand({ name: "text", at: Number.NEGATIVE_INFINITY });
    person.type("\r");
    await person.sees("[services/which]");
    await person.sees(second);
    person.type(`b${end}`);
    await person.answers("services/word", "word");
    await person.sees("[services/which]");
    await person.sees(second);
    person.type("\r");
    await person.sees("[review]");
    expect(runner.context.answers.services).toMatchObject({ one: false, two: true, three: false });
    await leave();
  });

  test("takes no consent from Enter alone", async () => {
    const consent = step(
      "node",
      { accept_licence: { type: "boolean", "x-deliberate": true } },
      {
        check: ({ accept_licence: yes }) =>
          yes === false ? [problem("node.accept_licence", "licence-needed", { found: "false" })] : [],
      },
    );
    const { person, runner, leave } = await talkAbout(consent, isRich);
    for (const key of ["", "1"]) {
      await person.sees("[node/accept_licence]");
      await person.sees("2. No");
      if (key) await person.sees("Without consent");
      person.type(`${key}\r`);
    }
    await person.sees("[review]");
    expect(runner.context.answers.node).toEqual({ accept_licence: true });
    await leave();
  });
});

test("a step in trouble is not listed as set up", async () => {
  const status = (state: "works" | "off" | "trouble") => async () => ({ state, rows: [], data: {} });
  const three = [
    step("vpn", { word: text }, { status: status("works") }),
    step("node", { word: text }, { status: status("trouble") }),
    step("services", { word: text }, { status: status("off") }),
  ];
  const box = new FakeBox();
  const runner = await SetupRunner.open({ box, image: IMAGE, steps: three, log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  const person = new Person();
  const talk = converse({ runner, terminal: person.terminal, signal: new AbortController().signal });
  for (const { id } of three) await person.answers(`${id}/word`, "a");
  await person.answers("review", "1");
  await talk;
  expect(await runner.works()).toEqual(["vpn"]);
});

describe("a page longer than the screen", () => {
  const page = (lines: readonly string[]): Page => ({
    tag: "x",
    title: "A title",
    lines,
    more: "Enter: more",
  });

  test("is split into screens that fit, in order and without loss", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z ]{0,200}$/), { maxLength: 80 }), (lines) => {
        const all = parts(page(lines));
        for (const part of all) expect((part.lines ?? []).length).toBeLessThanOrEqual(18);
        const words = (text: readonly string[]) => text.join("").replaceAll(" ", "");
        expect(words(all.flatMap((part) => part.lines ?? []))).toBe(words(lines));
        for (const [index, part] of all.entries()) {
          expect(part.keys === "Enter: more").toBe(index < all.length - 1);
          expect(part.token).toBe(all.length > 1 ? `${index + 1}/${all.length}` : undefined);
        }
      }),
    );
  });

  test("never ends a screen with a heading", () => {
    for (const before of [15, 16, 17, 18, 19]) {
      const filled = Array.from({ length: before }, (_, index) => `row ${index}`);
      const all = parts(page([...filled, "A heading", "  below it", ...filled]));
      const place = all.map(({ lines = [] }) => lines.indexOf("A heading")).filter((at) => at >= 0);
      expect(all.find(({ lines = [] }) => lines.includes("A heading"))?.lines).toContain("  below it");
      expect(place).toHaveLength(1);
    }
  });

  test('is read screen by screen with Enter or space, and left by "b"', async () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    const never = new AbortController().signal;
    const reader = new Person();
    const read = reader.terminal.pause(page(lines), never);
    await reader.sees("[x] 1/3");
    expect(reader.screen).not.toContain("line 20");
    reader.type("\r");
    await reader.sees("[x] 2/3");
    reader.type("q");
    await reader.sees("[x] 2/3");
    reader.type(" ");
    await reader.sees("line 49");
    reader.type("\r");
    await read;
    const other = new Person();
    const left = other.terminal.pause(page(lines), never);
    await other.sees("1/3");
    other.type("b");
    await left;
    expect(other.screen).not.toContain("2/3");
  });
});
