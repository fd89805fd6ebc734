// SPDX-License-Identifier: GPL-3.0-or-later
// The review of seven steps on one screen of 80x24, its details, and pages that are longer than a screen.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reviewDetailPage, reviewOptions, reviewPage, stepSummary } from "../../firstboot/console/pages.ts";
import { type Page, parts } from "../../firstboot/console/terminal.ts";
import { converse } from "../../firstboot/console/wizard.ts";
import { languages, translator } from "../../firstboot/i18n.ts";
import { openLog } from "../../firstboot/log.ts";
import type { WalkContext } from "../../firstboot/machine.ts";
import { steps as realSteps } from "../../firstboot/steps/index.ts";
import type { QuestionSchema, Step } from "../../firstboot/steps/step.ts";
import { Walk } from "../../firstboot/walk.ts";
import { FakeBox, IMAGE, PASSWORD } from "./helpers/fake-box.ts";
import { Person } from "./helpers/person.ts";

const text: QuestionSchema = { type: "string" };

function step(
  id: string,
  properties: QuestionSchema["properties"] = { word: text },
  more: Partial<Step> = {},
): Step {
  return {
    id,
    schema: { type: "object", properties },
    passable: true,
    survey: async () => ({ defaults: { word: "w".repeat(100) } }),
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

function contextOf(answers: WalkContext["answers"], given: readonly string[] = []): WalkContext {
  const empty = {
    unattended: false,
    kept: [],
    problems: [],
    trouble: null,
    warnings: [],
    settled: [],
    passed: [],
    editing: false,
  };
  return { ...empty, answers, given };
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

describe("a step's line", () => {
  test("is the step's own, and says which secrets were given", () => {
    expect(stepSummary(t, full, system)).toBe("System: can-bruixa, anna, Europe/Madrid, password: given");
    expect(stepSummary(t, { ...full, given: [] }, system)).toBe("System: can-bruixa, anna, Europe/Madrid");
  });

  test("or made of the answers: a word by itself, yes and no and lists with their label", () => {
    expect(stepSummary(t, full, member)).toBe("Member: join: Yes, anna.b, tags: a, b");
    expect(stepSummary(t, { ...full, given: ["member.password"] }, member)).toMatch(/, password: given$/);
  });

  test("says so when there is nothing", () => {
    expect(stepSummary(t, full, seven.at(-1)!)).toBe("Services: none");
  });
});

describe.each(languages)("seven steps in %s", (language) => {
  const translate = translator(language);
  const options = reviewOptions(translate, full, seven);

  test("are nine choices of one line each, apply first", () => {
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

  test("in detail: every answer on a line, and no secret", () => {
    const { lines = [] } = reviewDetailPage(translate, full, seven);
    expect(lines.join("\n")).toMatch(/can-bruixa\n/);
    expect(lines.join("\n")).not.toContain(PASSWORD);
    for (const line of lines) expect(line.length).toBeLessThan(79);
  });
});

test.each([
  ["dumb", false],
  ["rich", true],
])(
  "on a %s terminal: the ninth choice shows all, a number changes a step, the first applies",
  async (_kind, isRich) => {
    const box = new FakeBox();
    const plain = seven.map((each) => step(each.id, { word: text }));
    const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
    const walk = await Walk.open({ box, image, steps: plain, log: openLog(box) });
    walk.start();
    await walk.reached("welcome");
    const person = new Person(isRich);
    const gone = new AbortController();
    const talk = converse({ walk, terminal: person.terminal, signal: gone.signal });
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
    expect(walk.state).toBe("done");
  },
);

test.each([
  ["dumb", false],
  ["rich", true],
])(
  "Enter pressed too often at the last question does not apply anything, on a %s terminal",
  async (_kind, isRich) => {
    const box = new FakeBox();
    const [only] = seven.slice(-1).map((each) => step(each.id, { word: text }));
    const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
    const walk = await Walk.open({ box, image, steps: [only!], log: openLog(box) });
    walk.start();
    await walk.reached("welcome");
    const person = new Person(isRich);
    const gone = new AbortController();
    const talk = converse({ walk, terminal: person.terminal, signal: gone.signal });
    await person.sees("[services/word]");
    await person.sees("> ");
    person.type("word\r\r\r");
    await person.sees("[review]");
    // With Enter taken as the answer, this would come too late.
    await person.sees("2. Services: word");
    person.type("2\r");
    await person.sees("[services/word]");
    expect(walk.context.settled).toEqual([]);
    gone.abort();
    await expect(talk).rejects.toThrow();
    walk.stop();
  },
);

describe("a page longer than the screen", () => {
  const page = (lines: readonly string[]): Page => ({
    tag: "x",
    title: "A title",
    lines,
    more: "Enter: more",
  });

  test("comes in parts that fit, in order, and loses nothing", () => {
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

  test("has no heading alone at the foot of a part", () => {
    for (const before of [15, 16, 17, 18, 19]) {
      const filled = Array.from({ length: before }, (_, index) => `row ${index}`);
      const all = parts(page([...filled, "A heading", "  below it", ...filled]));
      const place = all.map(({ lines = [] }) => lines.indexOf("A heading")).filter((at) => at >= 0);
      expect(all.find(({ lines = [] }) => lines.includes("A heading"))?.lines).toContain("  below it");
      expect(place).toHaveLength(1);
    }
  });

  test("is read screen by screen, with Enter or a space; b leaves", async () => {
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
