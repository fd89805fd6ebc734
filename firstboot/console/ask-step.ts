// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the questions of one step at a terminal, one by one. setup/dialogue.ts decides which one is next.

import { isTextKey } from "../i18n/translate.ts";
import {
  currentPage,
  type Dialogue,
  factsOf,
  oneBack,
  openDialogue,
  pages,
  problemsAt,
  strayProblems,
  withAnswers,
  withFinding,
  withShown,
} from "../setup/dialogue.ts";
import type { Question } from "../setup/questions.ts";
import type { Answers, Step } from "../setup/step.ts";
import { askPage, confirm } from "./ask-question.ts";
import { type Conversation, translate } from "./conversation.ts";
import { problemSentence } from "./pages.ts";
import { Gone } from "./terminal.ts";

export type Direction = "on" | "back";

/**
 * Returns when the machine has left the step, forward or back. Begins with the first wrong answer, unless
 * `fromStart`. A step without questions here is passed in the direction in which the person was going.
 */
export async function askStep(
  talk: Conversation,
  step: Step,
  fromStart: boolean,
  direction: Direction,
): Promise<Direction> {
  const { runner, terminal } = talk;
  let dialogue = await openAt(talk, step, fromStart);
  const leaveBack = (): Direction => {
    runner.send({ type: "BACK" });
    return "back";
  };
  const isEmpty = pages(dialogue).length === 0;
  if (direction === "back" && isEmpty) return leaveBack();
  const stray = strayProblems(dialogue);
  for (const each of stray) terminal.note(`[error] ${problemSentence(translate(runner), each)}`);
  if (stray.length > 0 && isEmpty) return leaveBack();
  for (;;) {
    const page = currentPage(dialogue);
    if (!page) {
      await handIn(talk, dialogue);
      return "on";
    }
    const known = problemsAt(dialogue, page);
    dialogue = withShown(dialogue, page);
    const reply = await askPage(talk, dialogue, page, known);
    if (reply.answers) dialogue = await keep(talk, dialogue, reply.answers);
    if ("command" in reply) {
      const before = oneBack(dialogue);
      if (!before) return leaveBack();
      dialogue = before;
    } else dialogue = await lookUp(talk, dialogue, page);
  }
}

async function openAt({ runner, terminal }: Conversation, step: Step, fromStart: boolean): Promise<Dialogue> {
  const { answers, providedSecrets, problems } = runner.context;
  return openDialogue(
    {
      step,
      answers: answers[step.id] ?? {},
      providedSecrets,
      isScreen: terminal.port.isScreen ?? false,
      probed: await runner.probe(step),
      refused: problems,
    },
    fromStart,
  );
}

/** The next question is shown only after this answer is safe from a power cut. */
async function keep({ runner }: Conversation, dialogue: Dialogue, answers: Answers): Promise<Dialogue> {
  runner.answer("DRAFT", dialogue.step, answers, factsOf(dialogue));
  await runner.kept();
  return withAnswers(dialogue, answers, runner.context.providedSecrets);
}

async function handIn({ runner }: Conversation, dialogue: Dialogue): Promise<void> {
  const { step, answers } = dialogue;
  runner.answer("ANSWER", step, answers, factsOf(dialogue));
  await runner.left(`${step.id}_check`);
}

/** Looks an answer up while a line says so, asks the person to confirm a finding if needed, and continues. */
export async function lookUp(talk: Conversation, dialogue: Dialogue, page: Question): Promise<Dialogue> {
  const { runner, terminal } = talk;
  if (!runner.isLookedUp(page.step, page.path)) return withFinding(dialogue, page, {}, true);
  const t = translate(runner);
  const own = `look-up.${page.step}.${page.path}`;
  terminal.line(`${isTextKey(own) ? t(own) : t("look-up")} (${t("look-up.cancel")})`);
  const finding = await unlessCancelled(talk, (stop) =>
    runner.lookUp(dialogue.step, page.path, dialogue.answers, stop),
  );
  if (!finding) return withFinding(dialogue, page, {}, false);
  for (const { key, values } of finding.notes ?? []) terminal.note(t(key, values));
  const isWrong = (finding.problems?.length ?? 0) > 0;
  if (isWrong || !finding.confirm) return withFinding(dialogue, page, finding, true);
  const { key, values } = finding.confirm;
  const isConfirmed = await confirm(talk, page, t(key, values));
  return withFinding(dialogue, page, isConfirmed ? finding : {}, isConfirmed);
}

/** Lets the person cancel the wait with b; then returns undefined. Other keys are kept for the next question. */
async function unlessCancelled<T>(
  { terminal, signal }: Conversation,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  try {
    // The work may ignore its signal: a person who cancels must not wait for it.
    const leaving = terminal.keys.cancelled(stop).then(() => undefined);
    const result = await Promise.race([work(stop), leaving]);
    if (signal.aborted) throw new Gone();
    return result;
  } finally {
    over.abort();
  }
}
