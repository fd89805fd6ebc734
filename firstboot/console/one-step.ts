// SPDX-License-Identifier: GPL-3.0-or-later
// Sets up one step on the terminal where `cbox vpn setup` or the like was typed, or any number of steps without
// questions.

import { Failure, fail } from "../../common/fail.ts";
import { errorText } from "../host/error-text.ts";
import { stateOf } from "../setup/machine.ts";
import type { SetupRunner } from "../setup/runner.ts";
import type { Step } from "../setup/step.ts";
import { askBorrowedSecrets } from "./ask-secrets.ts";
import { type Conversation, translate } from "./conversation.ts";
import type { OpenPort } from "./device.ts";
import { choose } from "./menu.ts";
import { decideKeys, handedLines, problemSentence, stepDonePage, warningText } from "./pages.ts";
import { progressText } from "./progress.ts";
import { Gone, Terminal } from "./terminal.ts";
import { converse } from "./wizard.ts";

/** `left`: nothing was changed. `interrupted`: something was, and the next call resumes there. */
export type Outcome = "done" | "passed" | "left" | "interrupted";

const CTRL_C = 0x03;

export async function talkThrough(runner: SetupRunner, step: Step, port: OpenPort): Promise<Outcome> {
  const gone = new AbortController();
  const terminal = new Terminal(port);
  port.onData((bytes) => {
    // In raw mode the kernel does not turn Ctrl-C into a signal.
    if (bytes.includes(CTRL_C)) gone.abort();
    else terminal.keys.push(bytes);
  });
  port.onGone(() => gone.abort());
  const talk: Conversation = { runner, terminal, signal: gone.signal, mayLeave: () => confirmLeave(talk) };
  try {
    await terminal.probe();
    runner.start();
    await runner.left("reading");
    const isAtQuestions = ["welcome", step.id].includes(runner.state);
    if (!isAtQuestions || (await askBorrowedSecrets(talk, step))) await converse(talk);
  } catch (error) {
    if (!(error instanceof Gone) && !gone.signal.aborted) throw error;
  }
  // Only now: the language is one of the answers.
  const t = translate(runner);
  if (runner.state === "done") {
    await runner.reached("done");
    await terminal
      .pause(
        {
          ...stepDonePage(t, step.id, runner.context.warnings, await runner.generatedCredentials()),
          keys: t("done.leave"),
          isDeliberate: true,
        },
        gone.signal,
      )
      .catch(() => {});
    return outcomeOf(runner);
  }
  const isUntouched = ["welcome", step.id, stateOf.check(step.id), "review"].includes(runner.state);
  runner.stop();
  terminal.line(
    isUntouched ? t("setup.left") : t("setup.interrupted", { command: `sudo cbox ${step.id} setup` }),
  );
  return isUntouched ? "left" : "interrupted";
}

async function confirmLeave({ runner, terminal, signal }: Conversation): Promise<boolean> {
  const t = translate(runner);
  const options = ["true", "false"].map((value) => ({
    value,
    label: t(`option.${value as "true" | "false"}`),
  }));
  const page = { tag: "leave", title: t("setup.leave"), ...decideKeys(t), isDeliberate: true };
  const reply = await choose(terminal, page, options, 0, signal);
  return "value" in reply && reply.value === "true";
}

/** Without questions, by the answers in a file. On errors in it, fails with them and stores nothing of the set-up. */
export async function runThrough(runner: SetupRunner, print: (line: string) => void): Promise<Outcome> {
  let shown = 0;
  const stop = runner.onChange(() => {
    for (const line of runner.progress.slice(shown))
      if (!line.transient) print(progressText(translate(runner), line));
    shown = runner.progress.filter(({ transient }) => !transient).length;
  });
  runner.start();
  const ends = ["done", "welcome", "file_refused", "failed_finishing"];
  for (const { id } of runner.steps) ends.push(stateOf.secret(id), stateOf.failed(id));
  await runner.settles(ends);
  stop();
  const { state, context, step } = runner;
  const t = translate(runner);
  if (state === "done") {
    await runner.reached("done");
    for (const warning of context.warnings) print(`! ${warningText(t, warning)}`);
    for (const line of handedLines(t, await runner.generatedCredentials())) print(line);
    return outcomeOf(runner);
  }
  runner.stop();
  if (state === "file_refused") {
    const [only, ...others] = runner.steps;
    return fail({
      code: "answers-refused",
      ...errorText(only && others.length === 0 ? "error.answers-refused.step" : "error.answers-refused", {
        step: only?.id ?? "",
      }),
      found: context.problems.map((each) => `${each.field}: ${problemSentence(t, each)}`).join("\n       "),
    });
  }
  if (step && state === stateOf.secret(step.id)) {
    const missing = runner.missingSecrets(step).map((each) => `${each.step.id}.${each.question.path}`);
    return fail({ code: "secret-missing", ...errorText("error.secret-missing"), found: missing.join(", ") });
  }
  throw Failure.again(context.trouble ?? { code: "unexpected", what: "The set-up stopped." });
}

function outcomeOf({ context, steps }: SetupRunner): Outcome {
  return steps.length === 1 && context.skippedSteps.includes(steps[0]?.id ?? "") ? "passed" : "done";
}
