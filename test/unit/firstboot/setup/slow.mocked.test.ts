// SPDX-License-Identifier: GPL-3.0-or-later
// Boxes whose card or processor is slow or busy: no command of the box itself has a limit, what has one says so, and a
// person sees that time passes and need not wait.

import { execFile } from "node:child_process";
import { afterEach, describe, expect, test, vi } from "vitest";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { type RunResult, runOrFail } from "../../../../firstboot/host/box.ts";
import { linuxBox } from "../../../../firstboot/host/linux.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import type { Step } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";
import { ANSWERS_WITH_VPN, openRunner, startRunner } from "../../helpers/setup-runner.ts";

vi.mock("node:child_process", async (original) => {
  const actual = await original<typeof import("node:child_process")>();
  return { ...actual, execFile: vi.fn(actual.execFile) };
});

/** The set-up by a file, and how it ended. */
async function setUp(slowness: number) {
  const box = new FakeBox();
  box.slowness = slowness;
  const runner = await startRunner(box, ANSWERS_WITH_VPN);
  const failed = steps.map(({ id }) => `failed_${id}`);
  await runner.settles(["done", "welcome", "file_refused", "failed_finishing", ...failed]);
  const { state, context } = runner;
  runner.stop();
  return { box, state, context };
}

test("a box where every command takes 90 s is set up like a fast one", async () => {
  const fast = await setUp(0);
  const slow = await setUp(90_000);
  expect(slow.state).toBe("done");
  expect(slow.box.files.has(paths.configured)).toBe(true);
  expect(slow.context.skippedSteps).toEqual([]);
  expect(slow.context.warnings).toEqual(fast.context.warnings);
  expect([...slow.box.system.enabled].sort()).toEqual([...fast.box.system.enabled].sort());
  expect(slow.box.system.tags).toEqual(fast.box.system.tags);
});

describe("a command that must succeed", () => {
  const ok: RunResult = { code: 0, stdout: "said", stderr: "" };
  const late: RunResult = { code: 137, stdout: "Created symlink /etc/x", stderr: "", endedAfter: 30 };
  const box = (...results: RunResult[]) => ({ run: vi.fn(async () => results.shift() ?? ok) });

  test("runs once more after a timeout", async () => {
    const twice = box(late, ok);
    expect(await runOrFail(twice, "serf", ["tags"])).toBe("said");
    expect(twice.run).toHaveBeenCalledTimes(2);
  });

  test("reports its duration after two timeouts, and not its output", async () => {
    const twice = box(late, late);
    const failure = await failureOf(() => runOrFail(twice, "serf", ["tags"]));
    expect(failure).toMatchObject({
      code: "command-slow",
      found: expect.stringMatching(/^no answer within \d+ s$/),
    });
    expect(failure.message).toBe('The command "serf tags" took longer than 30 s and was ended, twice.');
    expect(twice.run).toHaveBeenCalledTimes(2);
  });

  test("does not run again after a failure", async () => {
    const once = box({ code: 1, stdout: "", stderr: "no such unit" });
    expect(await failureOf(() => runOrFail(once, "systemctl", ["start", "x"]))).toMatchObject({
      code: "command-failed",
      found: "no such unit",
    });
    expect(once.run).toHaveBeenCalledTimes(1);
  });
});

describe("a command of the real box", () => {
  test("has no time limit unless one is given", async () => {
    await linuxBox().run("true", []);
    await linuxBox().filter("cat", Buffer.from("x"));
    const limits = vi
      .mocked(execFile)
      .mock.calls.map((call) => (call[2] as { timeout?: number }).timeout ?? 0);
    expect(limits.length).toBeGreaterThan(1);
    expect(new Set(limits)).toEqual(new Set([0]));
  });

  test.each([
    ["its time was over", "exec sleep 600", { timeout: 50 }, { code: 137, endedAfter: 0.05 }],
    [
      "it was ended from outside",
      "kill -KILL $$",
      {},
      { code: 137, stderr: expect.stringContaining("SIGKILL") },
    ],
    ["nobody wants it", "exec sleep 600", { signal: AbortSignal.abort() }, { code: 143 }],
    ["it failed", "echo why >&2; exit 3", {}, { code: 3, stderr: "why\n" }],
  ])("reports that %s", async (_how, script, options, expected) => {
    const result = await linuxBox().run("sh", ["-c", script], options);
    expect(result).toMatchObject(expected);
    expect("endedAfter" in result).toBe("endedAfter" in expected);
  });

  test("that does not exist has exit code 127", async () => {
    expect((await linuxBox().run("no-such-command-here", [])).code).toBe(127);
  });
});

describe.each([
  ["dumb", false],
  ["rich", true],
])("at a %s terminal, a command that does not end", (_name, isRich) => {
  afterEach(() => void vi.useRealTimers());

  test("is shown with its seconds, can be stopped, and can be run again", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const box = new FakeBox();
    const run = box.run.bind(box);
    let tries = 0;
    let isEnded = false;
    box.run = async (command, args, options = {}) => {
      if (command !== "endless" || ++tries > 1) return run(command, args, options);
      await new Promise((resolve) => options.signal?.addEventListener("abort", resolve));
      isEnded = true;
      return { code: 143, stdout: "", stderr: "" };
    };
    const after: string[] = [];
    const only: Step = {
      id: "services",
      schema: { type: "object", properties: { word: { type: "string" } } },
      skippable: true,
      probe: async () => ({ defaults: { word: "a" } }),
      check: () => [],
      apply: async (_answers, tools) => {
        tools.progress("progress.services.activate", { title: "Squid" });
        await tools.box.run("endless", []);
        await tools.box.run("after", []);
        after.push("after");
      },
      verify: async () => [],
    };
    const image = { ...IMAGE, community: { ...IMAGE.community, default_language: "en" as const } };
    const runner = await openRunner(box, { image, steps: [only] });
    runner.start();
    await runner.reached("welcome");
    const person = new Person(isRich);
    const talk = converse({ runner, terminal: person.terminal, signal: new AbortController().signal });
    await person.answers("services/word");
    await person.answers("review", "1");
    await person.sees("x: stop this part");
    await person.sees("Squid");
    await vi.waitUntil(() => tries === 1);
    for (const seconds of isRich ? [5, 10] : [30]) {
      vi.advanceTimersByTime(isRich ? 5000 : 30_000);
      await person.sees(`(${seconds} s)`);
    }
    person.type("x");
    await person.sees("[error] services stopped-by-hand");
    await person.sees("This part was stopped before it was done.");
    expect(isEnded).toBe(true);
    expect(after).toEqual([]);
    await person.sees("1. Try again");
    person.type("1\r");
    await talk;
    expect(runner.state).toBe("done");
    expect(after).toEqual(["after"]);
  });
});
