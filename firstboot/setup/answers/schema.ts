// SPDX-License-Identifier: GPL-3.0-or-later
// The schema of answers.yaml, generated from the steps' questions. Published for editors as
// profiles/schemas/answers.schema.json (written by docs/generate.ts).

import type { Step } from "../step.ts";

export const ANSWERS_VERSION = 1;

/** Keywords that only the prompts use; a strict validator would reject them. */
const PROMPT_WORDS = new Set([
  "x-name",
  "x-when",
  "x-when-any",
  "x-when-secret",
  "x-file-only",
  "x-screen",
  "x-together",
  "x-deliberate",
]);

type Section = Pick<Step, "id" | "schema">;

export function answersSchema(steps: readonly Section[]) {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Community Box answers",
    description:
      "answers.yaml: put it on the CBOX-BOOT partition and the box sets itself up without a question.",
    type: "object",
    additionalProperties: false,
    // A section is required only if it has a required question: other questions have defaults.
    required: ["version", ...steps.filter(({ schema }) => schema.required?.length).map(({ id }) => id)],
    properties: {
      version: { type: "integer", const: ANSWERS_VERSION, description: "Form of this file." },
      ...Object.fromEntries(steps.map((step) => [step.id, sectionSchema(step)])),
    },
  };
}

/** The schema of one step's answers, for a validator. */
export function sectionSchema({ schema }: Section): object {
  return withoutPromptWords(schema) as object;
}

function withoutPromptWords(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutPromptWords);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([word]) => !PROMPT_WORDS.has(word))
      .map(([word, value]) => [word, withoutPromptWords(value)]),
  );
}
