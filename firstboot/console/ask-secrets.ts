// SPDX-License-Identifier: GPL-3.0-or-later
// Asks again for secrets: those lost in a power cut, and those of other steps that a step needs.

import { openDialogue, problemsAt, withAnswers, withShown } from "../setup/dialogue.ts";
import { getAnswer } from "../setup/questions.ts";
import type { MissingSecret } from "../setup/secret-recovery.ts";
import type { Step } from "../setup/step.ts";
import { askPage } from "./ask-question.ts";
import { lookUp } from "./ask-step.ts";
import { type Conversation, translate } from "./conversation.ts";

/** After a power cut: only the secrets that the step needs. */
export async function askSecretAgain(talk: Conversation, step: Step): Promise<void> {
  const { runner, terminal } = talk;
  terminal.note(translate(runner)("secret-again"));
  const areGiven = await askMissing(talk, runner.missingSecrets(step));
  runner.send(areGiven ? { type: "SECRETS" } : { type: "BACK" });
}

/** The secrets of other steps, which an earlier set-up did not store. False: the person went back. */
export async function askBorrowedSecrets(talk: Conversation, step: Step): Promise<boolean> {
  const borrowed = talk.runner.missingSecrets(step).filter((secret) => secret.step.id !== step.id);
  if (borrowed.length > 0) talk.terminal.note(translate(talk.runner)("secret-borrowed"));
  return askMissing(talk, borrowed);
}

async function askMissing(talk: Conversation, missing: readonly MissingSecret[]): Promise<boolean> {
  for (const secret of missing) if (!(await askOne(talk, secret))) return false;
  return true;
}

async function askOne(talk: Conversation, { step, question }: MissingSecret): Promise<boolean> {
  const { runner, terminal } = talk;
  const { providedSecrets, answers } = runner.context;
  let dialogue = openDialogue({
    step,
    answers: answers[step.id] ?? {},
    providedSecrets,
    isScreen: terminal.port.isScreen ?? false,
    probed: await runner.probe(step),
    refused: [],
  });
  for (;;) {
    const known = problemsAt(dialogue, question);
    const reply = await askPage(talk, withShown(dialogue, question), question, known, true);
    if ("command" in reply) return false;
    const tried = withAnswers(withShown(dialogue, question), reply.answers, providedSecrets);
    const seen = await lookUp(talk, tried, question);
    // The dialogue moved to the next page: the look-up found no problem.
    if (seen.index > tried.index) {
      runner.remember(step, question.path, String(getAnswer(reply.answers, question.path)));
      return true;
    }
    // The wrong secret is neither kept nor offered again.
    dialogue = withAnswers(seen, dialogue.answers, providedSecrets);
  }
}
