// SPDX-License-Identifier: GPL-3.0-or-later
// Answers that are looked up in the world as they are given: the busy line, what is found, the person's yes or no, and
// that nobody has to wait who does not want to.

import { afterEach, describe, expect, test } from "vitest";
import { fail } from "../../../../common/fail.ts";
import { Gone } from "../../../../firstboot/console/terminal.ts";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { problem } from "../../../../firstboot/setup/problems.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Answers, Finding, ProbeResult, Step } from "../../../../firstboot/setup/step.ts";
import { FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";

/** Steps of the test: `first`, the one that looks up, and `last`. */
function plainStep(id: string): Step {
  return {
    id,
    schema: { type: "object", properties: { word: { type: "string" } } },
    skippable: true,
    probe: async () => ({ defaults: { word: "yes" } }),
    check: () => [],
    apply: async () => {},
    verify: async () => [],
  };
}

type LookUp = (path: string, answers: Answers, signal: AbortSignal) => Promise<Finding>;

function asking(run: LookUp, probe: ProbeResult = { defaults: {} }, secret = false): Step {
  const place = secret ? ({ type: "string", "x-secret": true } as const) : ({ type: "string" } as const);
  return {
    ...plainStep("asking"),
    schema: { type: "object", properties: { place, device: { type: "string" } } },
    probe: async () => probe,
    lookUp: { paths: ["place"], run: (path, answers, { signal }) => run(path, answers, signal) },
  };
}

let leave = new AbortController();
let talk: Promise<unknown>;

async function sit(
  middle: Step,
  isRich = false,
): Promise<{ person: Person; runner: SetupRunner; box: FakeBox }> {
  const box = new FakeBox();
  const steps = [plainStep("first"), middle, plainStep("last")];
  const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
  const runner = await SetupRunner.open({ box, image, steps, log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  const person = new Person(isRich);
  leave = new AbortController();
  talk = converse({ runner, terminal: person.terminal, signal: leave.signal }).catch(
    (error: unknown) => error,
  );
  await person.answers("first/word", "one");
  return { person, runner, box };
}

afterEach(async () => {
  leave.abort();
  await talk;
});

const never: LookUp = () => new Promise(() => {});

describe("a look-up of an answer", () => {
  test("runs behind a busy line with all answers so far, including the retained one", async () => {
    let seen: unknown;
    const { person, runner } = await sit(
      asking(async (path, answers) => {
        seen = { path, answers };
        return {};
      }),
    );
    await person.answers("asking/place", "54052");
    await person.sees("One moment ... (b: back)");
    await person.sees("[asking/device]");
    expect(seen).toEqual({ path: "place", answers: { place: "54052" } });
    expect(runner.context.answers.asking).toEqual({ place: "54052" });
  });

  test("gets a secret that is typed once and stored in no snapshot", async () => {
    const seen: unknown[] = [];
    const { person, runner, box } = await sit(
      asking(
        async (_path, answers) => {
          seen.push(answers.place);
          return seen.length === 1 ? { problems: [problem("asking.place", "invalid")] } : {};
        },
        { defaults: {} },
        true,
      ),
    );
    await person.answers("asking/place", "wrong");
    await person.sees("[error]");
    await person.sees("> ");
    person.type(`${PASSWORD}\r`);
    await person.sees("[asking/device]");
    expect(person.screen).not.toContain("place.repeat");
    expect(seen).toEqual(["wrong", PASSWORD]);
    expect(runner.context.providedSecrets).toEqual(["asking.place"]);
    expect(box.files.get(paths.state)).toBeTruthy();
    expect(box.everWritten.join("")).not.toContain(PASSWORD);
  });

  test("does not run for a secret that cannot be right", async () => {
    const seen: unknown[] = [];
    const step = asking(
      async (_path, answers) => {
        seen.push(answers.place);
        return {};
      },
      { defaults: {} },
      true,
    );
    const check: Step["check"] = ({ place }) =>
      place === "blank" ? [problem("asking.place", "not-allowed", { values: { expected: "more" } })] : [];
    const { person } = await sit({ ...step, check });
    await person.answers("asking/place", "blank");
    await person.sees("[error] This value is not possible: more is needed.");
    await person.sees("> ");
    person.type(`${PASSWORD}\r`);
    await person.sees("[asking/device]");
    expect(seen).toEqual([PASSWORD]);
  });

  test("asks again after a problem, with its message and what was typed", async () => {
    const { person } = await sit(
      asking(async (_path, { place }) =>
        place === "2"
          ? {}
          : { problems: [problem("asking.place", "not-allowed", { values: { expected: "two" } })] },
      ),
    );
    await person.answers("asking/place", "1");
    await person.sees("[asking/place]");
    await person.sees("[error] This value is not possible: two is needed.");
    await person.sees("(1) > ");
    person.type("2\r");
    await person.sees("[asking/device]");
  });

  test.each([
    ["yes", "1", "asking/device"],
    ["no", "2", "asking/place"],
    ["back", "b", "asking/place"],
  ])("can ask the user to confirm; the reply is %s", async (_word, reply, next) => {
    const { person } = await sit(
      asking(async () => ({ confirm: { key: "busy.title", values: { console: "Can Bruixa" } } })),
    );
    await person.answers("asking/place", "54052");
    await person.sees("[asking/place.confirm]");
    await person.sees("Can Bruixa");
    await person.sees("> ");
    person.type(`${reply}\r`);
    await person.sees(`[${next}]`);
  });

  test("offers help and log at its question, and returns to it", async () => {
    const { person } = await sit(
      asking(async () => ({ confirm: { key: "busy.title", values: { console: "Can Bruixa" } } })),
    );
    await person.answers("asking/place", "54052");
    await person.answers("asking/place.confirm", "?");
    await person.sees("[help/asking/place]");
    person.type("\r");
    await person.answers("asking/place.confirm", "1");
    await person.sees("[asking/device]");
  });

  test.each([
    ["dumb", false],
    ["rich", true],
  ])("shows notes on a %s terminal, above the next question and only there", async (_kind, isRich) => {
    const { person } = await sit(
      asking(async () => ({ notes: [{ key: "busy.title", values: { console: "the moon" } }] })),
      isRich,
    );
    await person.answers("asking/place", "54052");
    await person.sees("The set-up is going on at the moon.");
    await person.sees("> ");
    person.type("x\r");
    await person.sees("[last/word]");
    // A clever terminal clears the screen: the note must be on the page of the question.
    if (isRich)
      expect(person.screen.split("\x1b[2J").find((page) => page.includes("[asking/device]"))).toContain(
        "the moon",
      );
    expect(person.screen.slice(person.screen.lastIndexOf("[last/word]"))).not.toContain("the moon");
  });

  test("provides facts for the next questions, until the answer changes", async () => {
    const { person } = await sit(
      asking(async (_path, { place }) =>
        place === "a" ? { probe: { defaults: { device: "a-box" } } } : { probe: { hidden: ["device"] } },
      ),
    );
    await person.answers("asking/place", "a");
    await person.sees("[asking/device]");
    await person.sees("(a-box) > ");
    person.type("b\r");
    await person.answers("asking/place", "c");
    await person.sees("[last/word]");
    expect(person.screen.split("[asking/device]").length).toBe(2);
  });

  test("that fails is logged and shows nothing", async () => {
    const { person, runner } = await sit(
      asking(async () => fail({ code: "server-slow", what: "The server is slow." })),
    );
    await person.answers("asking/place", "a");
    await person.sees("[asking/device]");
    expect((await runner.log.tail(9)).join("\n")).toContain(
      "look up asking.place: The server is slow. [server-slow]",
    );
  });
});

describe("a look-up in progress", () => {
  test.each([
    ["b and Enter", "b\r"],
    ["b alone", "b"],
    ["Ctrl-C", "\x03"],
    ["Ctrl-C after something typed ahead", "abc\x03"],
    ["Escape", "\x1b"],
  ])("is aborted by %s, which goes back to the question", async (_what, typed) => {
    let stopped = false;
    const { person } = await sit(
      asking((_path, _answers, signal) => {
        signal.addEventListener("abort", () => {
          stopped = true;
        });
        return new Promise(() => {});
      }),
    );
    await person.answers("asking/place", "54052");
    await person.sees("One moment");
    person.type(typed);
    await person.sees("[asking/place]");
    await person.sees("(54052) > ");
    expect(stopped).toBe(true);
  });

  test("keeps what is typed ahead as the answer to the next question", async () => {
    let finish = () => {};
    const { person, runner } = await sit(
      asking(
        () =>
          new Promise((resolve) => {
            finish = () => resolve({});
          }),
      ),
    );
    await person.answers("asking/place", "54052");
    await person.sees("One moment");
    person.type("b");
    person.type("cn-box\r");
    await new Promise((resolve) => setTimeout(resolve, 20));
    finish();
    await person.sees("[last/word]");
    expect(runner.context.answers.asking).toEqual({ place: "54052", device: "bcn-box" });
  });

  test("does not delay a disconnection or a change of control", async () => {
    const { person, runner } = await sit(asking(never));
    await person.answers("asking/place", "54052");
    await person.sees("One moment");
    leave.abort();
    expect(await talk).toBeInstanceOf(Gone);
    // Whoever has control next is asked the same question.
    const next = new Person();
    leave = new AbortController();
    talk = converse({ runner, terminal: next.terminal, signal: leave.signal }).catch(
      (error: unknown) => error,
    );
    await next.sees("[asking/place]");
    await next.sees("(54052) > ");
  });

  test("has no effect after the user went back", async () => {
    let finish = () => {};
    const { person } = await sit(
      asking(
        () =>
          new Promise((resolve) => {
            finish = () => resolve({ problems: [problem("asking.place", "invalid")] });
          }),
      ),
    );
    await person.answers("asking/place", "54052");
    await person.sees("One moment");
    person.type("\x03");
    await person.sees("(54052) > ");
    finish();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(person.rest).toBe("");
  });
});

describe("a step with nothing to ask", () => {
  const silent = (check: Step["check"] = () => []) => ({
    ...asking(never, { defaults: {}, hidden: ["place", "device"] }),
    check,
  });

  test("is skipped in both directions", async () => {
    const { person } = await sit(silent());
    await person.answers("last/word", "b");
    await person.answers("first/word", "two");
    await person.sees("[last/word]");
    expect(person.screen).not.toContain("[asking/");
  });

  test("shows a mistake that nobody can correct there, and leads to the step before", async () => {
    const { person } = await sit(silent(() => [problem("asking.place", "missing")]));
    await person.sees("[error] This is missing.");
    await person.sees("[first/word]");
  });
});

describe("questions that share one page", () => {
  const yes = { type: "boolean", "x-together": "which" } as const;
  const marks = (run?: LookUp): Step => ({
    ...plainStep("asking"),
    schema: {
      type: "object",
      properties: {
        files: yes,
        folder: { type: "string", "x-when": { files: "true" } },
        web: yes,
      },
    },
    probe: async () => ({ defaults: { files: false, web: true, folder: "/srv" } }),
    check: ({ files, web }) => (files && web ? [problem("asking.web", "invalid")] : []),
    ...(run
      ? { lookUp: { paths: ["which"], run: (path, answers, { signal }) => run(path, answers, signal) } }
      : {}),
  });

  test("come first, with their defaults marked; a question that depends on a mark comes after them", async () => {
    const { person, runner } = await sit(marks());
    await person.sees("[asking/which]");
    await person.sees("[x] 2. asking/web");
    person.type("1 2\r");
    await person.sees("[x] 1. asking/files");
    person.type("\r");
    await person.answers("asking/folder", "b");
    await person.answers("asking/which");
    await person.answers("asking/folder", "/home");
    await person.sees("[last/word]");
    expect(runner.context.answers.asking).toEqual({ files: true, web: false, folder: "/home" });
  });

  test("report a contradiction, and show the marks as they were made", async () => {
    const { person } = await sit(marks());
    await person.answers("asking/which", "1");
    await person.sees("> ");
    person.type("\r");
    await person.sees("[x] 2. asking/web");
    await person.sees("[error]");
    person.type("2\r");
    await person.sees("[ ] 2. asking/web");
    await person.sees("> ");
    person.type("\r");
    await person.sees("[asking/folder]");
  });

  test('are looked up together, and a "no" shows the page again', async () => {
    let times = 0;
    const { person, runner } = await sit(
      marks(async (path, answers) => {
        times += 1;
        expect([path, answers]).toEqual(["which", { files: false, web: true }]);
        return times === 1
          ? { confirm: { key: "look-up.services.memory", values: { memory: 9, room: 5 } } }
          : {};
      }),
    );
    await person.answers("asking/which");
    await person.answers("asking/which.confirm", "2");
    await person.answers("asking/which");
    await person.sees("[last/word]");
    expect(times).toBe(2);
    expect(runner.context.answers.asking).toEqual({ files: false, web: true });
  });
});
