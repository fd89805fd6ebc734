// SPDX-License-Identifier: GPL-3.0-or-later
// The questions of a step without any front end: their order, conditions, mistakes, look-ups, and the way back.

import { describe, expect, test } from "vitest";
import {
  answersWithMarks,
  checkPage,
  choicesOf,
  currentPage,
  type Dialogue,
  type DialogueStart,
  factsOf,
  markedMembers,
  offeredAnswer,
  oneBack,
  openDialogue,
  pages,
  problemsAt,
  strayProblems,
  typedValue,
  withAnswers,
  withFinding,
  withShown,
} from "../../../../firstboot/setup/dialogue.ts";
import { problem } from "../../../../firstboot/setup/problems.ts";
import { type Question, setAnswer } from "../../../../firstboot/setup/questions.ts";
import type { Answers, Step } from "../../../../firstboot/setup/step.ts";

const step: Step = {
  id: "example",
  skippable: false,
  schema: {
    type: "object",
    properties: {
      mode: { type: "string", enum: ["automatic", "by-hand"] },
      address: { type: "string", "x-when": { mode: "by-hand" } },
      keyboard: { type: "string", "x-screen": true },
      password: { type: "string", "x-secret": true },
      hint: { type: "string", "x-when-secret": "password" },
      red: { type: "boolean", "x-together": "colours" },
      blue: { type: "boolean", "x-together": "colours" },
      count: { type: "integer" },
    },
  },
  probe: async () => ({ defaults: {} }),
  check: (answers, _facts, providedSecrets) => [
    ...(answers.address === "wrong" ? [problem("example.address", "address-syntax")] : []),
    ...(answers.red && answers.blue ? [problem("example.blue", "address-syntax")] : []),
    ...((answers.password ?? "short") === "short" && !providedSecrets.has("example.password")
      ? [problem("example.password", "missing")]
      : []),
  ],
  apply: async () => {},
  verify: async () => [],
};

const START: DialogueStart = {
  step,
  answers: {},
  providedSecrets: [],
  isScreen: false,
  probed: { defaults: { mode: "automatic", blue: true } },
  refused: [],
};

const at = (changes: Partial<DialogueStart> = {}, fromStart = false) =>
  openDialogue({ ...START, ...changes }, fromStart);
const paths = (dialogue: Dialogue) => pages(dialogue).map(({ path }) => path);
const page = (dialogue: Dialogue, path: string): Question =>
  pages(dialogue).find((each) => each.path === path)!;
/** Answers the current page as a front end does that looks nothing up. */
const answer = (dialogue: Dialogue, value: string, secrets: readonly string[] = []) => {
  const current = currentPage(dialogue)!;
  const given = withAnswers(dialogue, setAnswer(dialogue.answers, current.path, value), secrets);
  return withFinding(given, current, {}, true);
};

describe("the page to be asked", () => {
  test("depends on the answers, by the conditions of the questions", () => {
    expect(paths(at())).toEqual(["mode", "password", "colours", "count"]);
    expect(paths(at({ answers: { mode: "by-hand" } }))).toContain("address");
    expect(paths(at({ isScreen: true }))).toContain("keyboard");
    expect(paths(at({ providedSecrets: ["example.password"] }))).toContain("hint");
    expect(paths(at({ answers: { password: "typed just now" } }))).toContain("hint");
    expect(paths(at({ probed: { defaults: {}, hidden: ["count"] } }))).not.toContain("count");
  });

  test("is the next one after each answer, and undefined after the last", () => {
    let dialogue = at();
    const asked: (string | undefined)[] = [];
    for (let turn = 0; turn < 7; turn++) {
      asked.push(currentPage(dialogue)?.path);
      if (currentPage(dialogue)) dialogue = answer(dialogue, turn === 0 ? "by-hand" : "x");
    }
    expect(asked).toEqual(["mode", "address", "password", "hint", "colours", "count", undefined]);
  });

  test("is the page before after back, which leads nowhere from the first", () => {
    const second = answer(at(), "automatic");
    expect(currentPage(second)?.path).toBe("password");
    expect(currentPage(oneBack(second)!)?.path).toBe("mode");
    expect(oneBack(at())).toBeUndefined();
  });
});

describe("a mistake for which the step is asked again", () => {
  const refused = [problem("example.password", "missing"), problem("example.blue", "missing")];

  test("leads to its page first, unless the step begins from the start", () => {
    expect(currentPage(at({ refused }))?.path).toBe("password");
    expect(currentPage(at({ refused }, true))?.path).toBe("mode");
  });

  test("is shown once, on its page", () => {
    const dialogue = at({ refused });
    expect(problemsAt(dialogue, page(dialogue, "colours"))).toEqual([refused[1]]);
    const shown = withShown(dialogue, page(dialogue, "colours"));
    expect(problemsAt(shown, page(shown, "colours"))).toEqual([]);
    expect(problemsAt(shown, page(shown, "password"))).toEqual([refused[0]]);
  });

  test("in an answer that only a screen asks for is asked without a screen, too", () => {
    expect(paths(at({ refused: [problem("example.keyboard", "missing")] }))).toContain("keyboard");
  });

  test("is stray when none of the pages has its field, unless it belongs to another step", () => {
    const stray = problem("example.address", "missing");
    expect(strayProblems(at({ refused: [stray, problem("other.address", "missing")] }))).toEqual([stray]);
  });
});

describe("a look-up", () => {
  const probe = { defaults: { count: 3 }, choices: { count: [{ value: "3" }] }, hidden: ["colours"] };

  test("offers what it found on the following pages, until the answer is looked up again", () => {
    const mode = page(at(), "mode");
    const dialogue = withFinding(at(), mode, { probe }, true);
    expect(factsOf(dialogue)).toMatchObject({ defaults: { mode: "automatic", blue: true, count: 3 } });
    expect(offeredAnswer(dialogue, page(dialogue, "count"))).toBe(3);
    expect(choicesOf(dialogue, page(dialogue, "count"))).toEqual([{ value: "3" }]);
    const anew = withFinding(dialogue, mode, {}, true);
    expect(offeredAnswer(anew, page(anew, "count"))).toBeUndefined();
  });

  test("leads back to its page after a mistake, or when its finding was not confirmed", () => {
    const mode = page(at(), "mode");
    const wrong = withFinding(at(), mode, { problems: [problem("example.mode", "missing")] }, true);
    expect(currentPage(wrong)?.path).toBe("mode");
    expect(problemsAt(wrong, mode)).toHaveLength(1);
    expect(currentPage(withFinding(at(), mode, {}, false))?.path).toBe("mode");
    expect(currentPage(withFinding(at(), mode, {}, true))?.path).toBe("password");
  });
});

describe("an answer", () => {
  test("is checked on its own page only", () => {
    const dialogue = at({ answers: { mode: "by-hand" } });
    const address = page(dialogue, "address");
    expect(checkPage(dialogue, address, { mode: "by-hand", address: "wrong" })).toHaveLength(1);
    expect(checkPage(dialogue, address, { mode: "by-hand", address: "right" })).toEqual([]);
  });

  test("keeps the provided secret when it is empty", () => {
    const password = page(at(), "password");
    expect(checkPage(at(), password, {})).toHaveLength(1);
    expect(checkPage(at({ providedSecrets: ["example.password"] }), password, {})).toEqual([]);
  });

  test("replaces the provided secret when it is typed", () => {
    const dialogue = at({ providedSecrets: ["example.password"] });
    expect(checkPage(dialogue, page(dialogue, "password"), { password: "short" })).toHaveLength(1);
    expect(checkPage(dialogue, page(dialogue, "password"), { password: "long enough" })).toEqual([]);
  });

  test("on a page of marks holds all of them, and a mistake of one belongs to the page", () => {
    const dialogue = at();
    const colours = page(dialogue, "colours");
    expect(markedMembers(dialogue, colours)).toEqual(["blue"]);
    const both: Answers = answersWithMarks(dialogue, colours, ["red", "blue"]);
    expect(both).toEqual({ red: true, blue: true });
    expect(answersWithMarks(dialogue, colours, [])).toEqual({ red: false, blue: false });
    expect(checkPage(dialogue, colours, both)).toHaveLength(1);
  });

  test("is converted to the type of its question", () => {
    const count = page(at(), "count");
    expect(typedValue(count, " 12 ", "")).toBe(12);
    expect(typedValue(count, "a dozen", "")).toBe("a dozen");
    expect(typedValue(count, "", "7")).toBe(7);
    expect(typedValue({ ...count, kind: "text", isVerbatim: true }, " x ", "")).toBe(" x ");
    expect(typedValue({ ...count, kind: "text" }, " x ", "")).toBe("x");
  });

  test("is offered from the probe, unless one was given before", () => {
    const mode = page(at(), "mode");
    expect(offeredAnswer(at(), mode)).toBe("automatic");
    expect(offeredAnswer(at({ answers: { mode: "by-hand" } }), mode)).toBe("by-hand");
  });
});
