// SPDX-License-Identifier: GPL-3.0-or-later
// The credentials that the step shows to the person who finishes the set-up.

import { isUnclaimed } from "../../services/claim.ts";
import { eachSecret, secretsForPeople } from "../../services/secrets.ts";
import { readStates } from "../../services/state.ts";
import type { Answers, GeneratedCredential, StepTools } from "../../setup/step.ts";
import { chosen } from "./questions.ts";

/** Passwords generated on this box, and what the owner still has to claim: shown at the end of the set-up. */
export async function generatedCredentials(
  answers: Answers,
  { box }: Pick<StepTools, "box">,
): Promise<GeneratedCredential[]> {
  const states = await readStates(box);
  const lines: GeneratedCredential[] = [];
  for (const { service } of chosen(answers)) {
    for (const { name, word, secret } of eachSecret(await secretsForPeople(box, service))) {
      const key = `hand-over.services.${service.id}.${name}` as "hand-over.services.secret";
      lines.push({ key, values: { secret, ...(word === undefined ? {} : { name: word }) } });
    }
    if (isUnclaimed(service, states[service.id] ?? {}))
      lines.push({ key: "hand-over.services.claim", values: { id: service.id } });
  }
  return lines;
}
