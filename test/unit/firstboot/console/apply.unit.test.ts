// SPDX-License-Identifier: GPL-3.0-or-later
// Applying as a person sees it: a heading for each step, each action with its result, and the choices after a failure.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ErrorCode } from "../../../../common/errors.ts";
import { Failure } from "../../../../common/fail.ts";
import { toAscii } from "../../../../firstboot/console/ascii.ts";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Answers, Step, StepTools } from "../../../../firstboot/setup/step.ts";
import { FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";

/** What the steps were applied with, in order. */
let applied: [string, Answers][];
/** Thrown by the step when it is applied, until a test takes it away. */
let troubles: Map<string, ErrorCode>;
let person: Person;
let runner: SetupRunner;
let leave: AbortController;
let talk: Promise<unknown>;

function step(id: string, more: Partial<Step> = {}): Step {
  return {
    id,
    schema: {
      type: "object",
      properties: {
        how: { type: "string", enum: ["now", "later"] },
        word: { type: "string", "x-secret": true, "x-when": { how: "now" } },
      },
    },
    skippable: true,
    probe: async () => ({ defaults: {} }),
    check: () => [],
    apply: async (answers, { progress }) => {
      applied.push([id, answers]);
      progress("progress.network.configure", { interface: id });
      const code = answers.how === "later" ? undefined : troubles.get(id);
      if (code) throw Failure.again({ code, what: "The server is slow.", hint: "Try again later." });
    },
    verify: async () => [],
    ...more,
  };
}

const plain = { type: "object", properties: { word: { type: "string" } } } as const;
const system = step("system", {
  schema: plain,
  skippable: false,
  probe: async () => ({ defaults: { word: "w" } }),
});

async function sit(steps: readonly Step[], isRich = false): Promise<void> {
  const box = new FakeBox();
  const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
  runner = await SetupRunner.open({ box, image, steps, log: openLog(box) });
  runner.start();
  await runner.reached("welcome");
  person = new Person(isRich);
  leave = new AbortController();
  talk = converse({ runner, terminal: person.terminal, signal: leave.signal }).catch(
    (error: unknown) => error,
  );
}

beforeEach(() => {
  applied = [];
  troubles = new Map();
});

afterEach(async () => {
  leave.abort();
  await talk;
});

async function answerAll(): Promise<void> {
  await person.answers("system/word");
  for (const id of ["member", "node"]) {
    await person.answers(`${id}/how`, "1");
    await person.answers(`${id}/word`, PASSWORD);
    await person.answers(`${id}/word.repeat`, PASSWORD);
  }
  await person.answers("review", "1");
}

/** Lines of the apply page, the way a dumb terminal has them. */
const actions = () =>
  person.screen
    .split("\r\n")
    .filter((line) => line.startsWith("[apply] "))
    .map((line) => line.slice("[apply] ".length));

const member = step("member");
const node = step("node", { secretsFrom: ["member"] });

describe("the page of the running set-up", () => {
  test("shows a heading for each step, and each action with its result", async () => {
    await sit([system, member, node]);
    await answerAll();
    await talk;
    expect(actions()).toEqual([
      "1/3 System",
      "Network: system ... ok",
      "2/3 Member",
      "Network: member ... ok",
      "3/3 Node",
      "Network: node ... ok",
    ]);
  });

  test("shows each action as done when the next begins, and replaces a countdown", async () => {
    const busy = step("member", {
      schema: plain,
      probe: system.probe,
      apply: async (_answers, { progress, box }: StepTools) => {
        progress("progress.network.configure", { interface: "one" });
        for (const seconds of [12, 11, 10]) {
          progress("progress.network.wait", { seconds }, { transient: true });
          await box.sleep(1000);
        }
        progress("progress.network.address", { address: "10.1.2.3/24" });
      },
    });
    await sit([system, busy]);
    await person.answers("system/word");
    await person.answers("member/word");
    await person.answers("review", "1");
    await talk;
    expect(actions().slice(2)).toEqual([
      "2/2 Member",
      "Network: one ... ok",
      "Waiting for an address, 10 seconds more (s: go on without)",
      "Address: 10.1.2.3/24 ... ok",
    ]);
  });

  test("shows what failed and what was skipped", async () => {
    troubles.set("member", "server-slow");
    await sit([system, member, node]);
    await answerAll();
    await person.sees("[error] member server-slow");
    expect(actions().at(-1)).toBe("Network: member ... failed");
    await person.sees("> ");
    person.type("s\r");
    await talk;
    expect(runner.context.skippedSteps).toEqual(["member"]);
  });

  test("shows the log and then its own lines again", async () => {
    let go = () => {};
    const slow = step("member", {
      schema: plain,
      probe: system.probe,
      verify: async () => {
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        return [];
      },
    });
    await sit([system, slow]);
    await person.answers("system/word");
    await person.answers("member/word");
    await person.answers("review", "1");
    await person.sees("Network: member");
    await runner.reached("verify_member");
    person.type("l");
    await person.sees("[log]");
    await person.sees("Press Enter");
    // A second later: an Enter right after a key that is a command belongs to that key.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 1000);
    person.type("\r");
    clock.mockRestore();
    await person.sees("[apply] 1/2 System");
    await person.sees("Network: member");
    go();
    await talk;
    expect(runner.state).toBe("done");
  });

  test('continues without waiting on "s" where the step is skippable', async () => {
    const waiting = step("member", {
      schema: plain,
      probe: system.probe,
      verify: (_answers, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(new Error("stopped"))),
        ),
    });
    await sit([system, waiting]);
    await person.answers("system/word");
    await person.answers("member/word");
    await person.answers("review", "1");
    await runner.reached("verify_member");
    await person.sees("Network: member");
    person.type("s");
    await talk;
    expect(runner.context.warnings).toMatchObject([{ code: "member-passed", step: "member" }]);
    expect(person.screen).toContain("Network: member ... skipped");
  });

  test("counts down in one line on a rich terminal", async () => {
    const busy = step("member", {
      schema: plain,
      probe: system.probe,
      apply: async (_answers, { progress, box }: StepTools) => {
        for (const seconds of [3, 2, 1]) {
          progress("progress.network.wait", { seconds }, { transient: true });
          await box.sleep(1000);
        }
        progress("progress.network.address", { address: "10.1.2.3/24" });
      },
    });
    await sit([system, busy], true);
    for (const tag of ["system/word", "member/word"]) {
      await person.sees(`[${tag}]`);
      await person.sees("> ");
      person.type("\r");
    }
    await person.sees("Everything in detail");
    person.type("\r");
    await talk;
    expect(person.screen).toContain(
      "3 seconds more (s: go on without)\r\x1b[K[apply] Waiting for an address, 2 seconds",
    );
    expect(person.screen).toContain("\r\x1b[K[apply] Address: 10.1.2.3/24 ... ok\r\n");
  });
});

describe("after a failure, the page of the error", () => {
  const choices = () =>
    person.rest
      .split("\r\n")
      .filter((line) => /^ {2}\d\. /.test(line))
      .map((line) => line.slice(5));

  async function stops(id: string, code: ErrorCode): Promise<void> {
    troubles.set(id, code);
    await sit([system, member, node]);
    await answerAll();
    await person.sees(`[error] ${id} ${code}`);
    while (!person.rest.includes("> ")) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  test("offers what the step can do, and the step whose answers may be the cause", async () => {
    await stops("node", "server-slow");
    expect(choices()).toEqual([
      "Try again",
      "Change the answers",
      "Change the answers of another part: Member",
      "Put it off and do it later",
      "Go on without",
      "See the log",
    ]);
  });

  test('runs the step again on "Try again"', async () => {
    await stops("node", "server-slow");
    troubles.clear();
    person.type("1\r");
    await talk;
    expect(applied.map(([id]) => id)).toEqual(["system", "member", "node", "node"]);
    expect(runner.context.skippedSteps).toEqual([]);
  });

  test("lets the answers of the other step be changed, and shows the review again", async () => {
    await stops("node", "server-slow");
    person.type("3\r");
    await person.answers("member/how", "1");
    await person.sees("[member/word]");
    await person.sees("> ");
    person.type("\r");
    await person.sees("[review]");
    expect(runner.state).toBe("review");
  });

  test("offers the other step that an error code names, too", async () => {
    await stops("member", "node-unknown");
    expect(choices()).toContain("Change the answers of another part: Node");
  });

  test("defers the step: it is applied with the answer for later, without its secret, and the set-up continues", async () => {
    await stops("member", "server-slow");
    person.type(`${choices().indexOf("Put it off and do it later") + 1}\r`);
    await talk;
    expect(applied.filter(([id]) => id === "member").at(-1)).toEqual(["member", { how: "later" }]);
    expect(runner.context.providedSecrets).toEqual(["node.word"]);
    expect(runner.context.completedSteps).toContain("member");
  });

  test("offers neither to skip nor to defer where the step allows neither", async () => {
    await stops("system", "server-slow");
    expect(choices()).toEqual(["Try again", "Change the answers", "See the log"]);
    person.type("s\r");
    await person.sees("[error] system");
    expect(runner.state).toBe("failed_system");
  });

  test("explains the choices in its help", async () => {
    await stops("node", "server-slow");
    person.type("?\r");
    await person.sees("[help/error]");
    await person.sees("Trying again does the same once more");
    person.type("\r");
    await person.sees("[error] node server-slow");
  });
});

test("the words for results are plain ASCII in every language", async () => {
  const { catalogues } = await import("../../../../firstboot/i18n/translate.ts");
  for (const texts of Object.values(catalogues))
    expect(toAscii(texts["result.passed"])).toMatch(/^[\x20-\x7e]+$/);
});

test("the log hides zero bytes left by a power cut", async () => {
  const box = new FakeBox();
  box.files.set(paths.log, "one\ntwo\0\0\0\n");
  expect(await openLog(box).tail(5)).toEqual(["one", "two"]);
});
