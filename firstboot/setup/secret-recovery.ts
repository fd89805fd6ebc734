// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets are only in memory, so a power cut loses them: which ones a step still needs, and where they come from.

import { fail } from "../../common/fail.ts";
import { SECRET_NEEDED, type SetupContext } from "./machine.ts";
import { type Question, secretQuestions } from "./questions.ts";
import type { Secrets } from "./secrets.ts";
import type { Step } from "./step.ts";

export interface MissingSecret {
  /** The step that asks the question. */
  readonly step: Step;
  readonly question: Question;
}

/** The secrets that were given to this step and are lost. `all`: also the steps whose secrets others need. */
export function missingSecrets(
  step: Step,
  all: readonly Step[],
  context: Pick<SetupContext, "providedSecrets" | "retainedSecrets">,
  secrets: Pick<Secrets, "has">,
): MissingSecret[] {
  return all
    .filter(({ id }) => id === step.id || step.secretsFrom?.includes(id))
    .flatMap((each) => secretQuestions(each).map((question) => ({ step: each, question })))
    .filter(({ step: { id }, question: { path } }) => {
      const full = `${id}.${path}`;
      const isApplied = id === step.id && context.retainedSecrets.includes(full);
      return context.providedSecrets.includes(full) && !secrets.has(full) && !isApplied;
    });
}

/**
 * Called before a step is applied. The answers file may still contain its secrets; otherwise a person is asked.
 * @param readAnew reads the answers file again; absent where a person has answered
 * @throws Failure with {@link SECRET_NEEDED}
 */
export async function recoverSecrets(
  isMissing: () => boolean,
  readAnew: (() => Promise<unknown>) | undefined,
): Promise<void> {
  if (!isMissing()) return;
  await readAnew?.();
  if (isMissing())
    fail({ code: SECRET_NEEDED, what: "A secret was lost in a power cut and is needed again." });
}
