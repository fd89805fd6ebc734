// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation with the person who controls the set-up: shows the page for the machine's state, and sends the
// decision back as an event. Contains nothing about single steps.

import type { Translate } from "../i18n/translate.ts";
import { MOVED, stateOf } from "../setup/machine.ts";
import type { SetupRunner } from "../setup/runner.ts";
import type { Step } from "../setup/step.ts";
import { askSecretAgain } from "./ask-secrets.ts";
import { askStep, type Direction } from "./ask-step.ts";
import { type Conversation, translate } from "./conversation.ts";
import { choose } from "./menu.ts";
import {
  failureHelpPage,
  failurePage,
  logPage,
  reviewDetailPage,
  reviewOptions,
  reviewPage,
  stepName,
} from "./pages.ts";
import { ProgressView } from "./progress.ts";
import type { Option } from "./terminal.ts";

const LOG_LINES = 14;

/** Returns when the set-up is done, the box has moved, or the person left. Throws Gone when control is lost. */
export async function converse(talk: Conversation): Promise<void> {
  const { runner } = talk;
  // The first question is the language even after a refused file: the person may not understand the others.
  let isNew = false;
  let direction: Direction = "on";
  while (runner.state !== "done" && runner.state !== MOVED) {
    const { state, step } = runner;
    if (state === "welcome" || state === "file_refused") {
      runner.send({ type: "BEGIN" });
      isNew = true;
    } else if (state === step?.id) {
      direction = await askStep(talk, step, isNew, direction);
      isNew = false;
      const isAtStart = direction === "back" && runner.state === state && step === runner.steps[0];
      if (isAtStart && (await talk.mayLeave?.())) return;
    } else if (step && state === stateOf.secret(step.id)) await askSecretAgain(talk, step);
    else if (state === "review") direction = await review(talk);
    else if (state === "failed_finishing" || (step && state === stateOf.failed(step.id)))
      await fails(talk, step);
    else await watch(talk, state, step);
  }
}

async function review(talk: Conversation): Promise<Direction> {
  const { runner, terminal, signal } = talk;
  const t = translate(runner);
  const options = reviewOptions(t, runner.context, runner.steps);
  const reply = await choose(terminal, reviewPage(t), options, 0, signal);
  const [choice, step = ""] = ("command" in reply ? reply.command : reply.value).split(" ");
  if (choice === "log") await showLog(talk);
  if (choice === "detail")
    await terminal.pause(reviewDetailPage(t, runner.context, runner.steps, runner.image), signal);
  if (choice === "apply") runner.send({ type: "CONFIRM" });
  if (choice === "edit") runner.send({ type: "EDIT", step });
  if (choice !== "back") return "on";
  runner.send({ type: "BACK" });
  return "back";
}

async function fails(talk: Conversation, step: Step | undefined): Promise<void> {
  const { runner, terminal, signal } = talk;
  const t = translate(runner);
  const { trouble } = runner.context;
  const page = failurePage(t, trouble, step?.id ?? "finish");
  const reply = await choose(terminal, page, failureOptions(t, runner, step), 0, signal);
  const [choice, other] = ("command" in reply ? reply.command : reply.value).split(" ");
  if (choice === "retry") runner.send({ type: "RETRY" });
  if (choice === "log") await showLog(talk);
  if (choice === "help") await terminal.pause(failureHelpPage(t, trouble), signal);
  if (!step) return;
  if (choice === "skip" && step.skippable) runner.send({ type: "SKIP" });
  if (choice === "later") runner.defer(step);
  if (choice === "edit" || choice === "back") runner.send({ type: "EDIT", step: other ?? step.id });
}

function failureOptions(t: Translate, runner: SetupRunner, step: Step | undefined): Option[] {
  if (!step) return [option(t, "retry"), option(t, "log")];
  return [
    option(t, "retry"),
    option(t, "edit"),
    ...causes(runner, step).map(({ id }) => ({
      value: `edit ${id}`,
      label: t("failed.edit-other", { step: stepName(t, id) }),
    })),
    ...(runner.laterAnswers(step) ? [option(t, "later")] : []),
    ...(step.skippable ? [option(t, "skip")] : []),
    option(t, "log"),
  ];
}

function option(t: Translate, value: "retry" | "edit" | "later" | "skip" | "log"): Option {
  return { value, label: t(`failed.${value}`) };
}

/** Steps whose answers may be the cause: those whose secrets it needs, and one that the error code names. */
function causes({ steps, context }: SetupRunner, step: Step): Step[] {
  const code = context.trouble?.code ?? "";
  return steps.filter(
    ({ id }) => id !== step.id && (step.secretsFrom?.includes(id) || code.startsWith(`${id}-`)),
  );
}

/** Shows the progress of the box. The person may continue without waiting where that is allowed. */
async function watch(talk: Conversation, state: string, step: Step | undefined): Promise<void> {
  const { runner, terminal, signal } = talk;
  const view = ProgressView.of(terminal, runner);
  const mayPass = step?.skippable === true && state === stateOf.verify(step.id);
  const changed = new AbortController();
  const stop = runner.onChange(() => {
    view.update();
    if (runner.state !== state) changed.abort();
  });
  try {
    view.update();
    if (runner.state !== state) return;
    for (;;) {
      const key = await terminal.keys.next(AbortSignal.any([signal, changed.signal]));
      signal.throwIfAborted();
      if (!key) return;
      if (key.text === "s" && mayPass) runner.send({ type: "SKIP" });
      if (["s", "l", "x"].includes(key.text ?? "")) terminal.keys.endCommand(key);

      if (key.text === "x" && step) runner.interrupt();
      if (key.text === "l") await showLog(talk);
      if (key.text === "l" || key.name === "redraw") view.redraw();
    }
  } finally {
    stop();
  }
}

async function showLog({ runner, terminal, signal }: Conversation): Promise<void> {
  await terminal.pause(logPage(translate(runner), await runner.log.tail(LOG_LINES)), signal);
}
