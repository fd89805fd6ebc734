// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets are in memory alone, so a power cut takes them away: which of them a step still needs, and where they come from.

import { fail } from "../../common/fail.ts";
import { SECRET_NEEDED, type SetupContext } from "./machine.ts";
import { type Question, secretQuestions } from "./questions.ts";
import type { Secrets } from "./secrets.ts";
import type { Step } from "./step.ts";

export interface MissingSecret {
  /** Whose question it is. */
  readonly step: Step;
  readonly question: Question;
}

/** The secrets that were given to this step and are gone. `all`: also the steps that others need secrets from. */
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
 * Before a step is applied. The answers file may still have its secrets; else somebody has to be asked.
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
