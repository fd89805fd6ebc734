// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps secrets apart from other answers, only in this process's memory: a power cut loses them.

import { getAnswer, secretQuestions, setAnswer } from "./questions.ts";
import type { Answers, Step } from "./step.ts";

export class Secrets {
  readonly #values = new Map<string, string>();

  /** Removes the secrets from a step's answers and remembers them. Returns the rest and the paths of the secrets. */
  take(step: Step, answers: Answers): { answers: Answers; newSecrets: readonly string[] } {
    const newSecrets: string[] = [];
    let rest = answers;
    for (const { path } of secretQuestions(step)) {
      const value = getAnswer(answers, path);
      rest = setAnswer(rest, path, undefined);
      // The template of answers.yaml has "" for a secret that is left out.
      if (typeof value !== "string" || value === "") continue;
      this.#values.set(`${step.id}.${path}`, value);
      newSecrets.push(`${step.id}.${path}`);
    }
    return { answers: rest, newSecrets };
  }

  /** Adds the known secrets at `paths` to the answers, for the moment they are used. */
  join(step: Step, answers: Answers, paths: readonly string[]): Answers {
    return secretQuestions(step).reduce((joined, { path }) => {
      const full = `${step.id}.${path}`;
      const value = paths.includes(full) ? this.#values.get(full) : undefined;
      return value === undefined ? joined : setAnswer(joined, path, value);
    }, answers);
  }

  has(path: string): boolean {
    return this.#values.has(path);
  }

  forget(): void {
    this.#values.clear();
  }
}
