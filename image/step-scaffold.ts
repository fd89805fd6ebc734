// SPDX-License-Identifier: GPL-3.0-or-later
// The files of a new step of the set-up, which asks one yes-or-no question. It works unchanged; the marks WRITE show
// what has to be written.

const LICENCE = "// SPDX-License-Identifier: GPL-3.0-or-later";

/** By path in the step's folder. `id`: the folder's name. */
export function stepFiles(id: string): Record<string, string> {
  const title = id.charAt(0).toUpperCase() + id.slice(1);
  return {
    "questions.ts": questions(id, title),
    "check.ts": check(id),
    "apply.ts": apply(id, title),
    "verify.ts": verify(id),
    "index.ts": index(id, title),
    "texts/en.ts": english(id, title),
    "texts/ca.ts": catalan(id, title),
    "texts/es.ts": spanish(id, title),
  };
}

/** The text of firstboot/steps/index.ts with one more step, as the last one. */
export function withStep(list: string, id: string): string {
  const imported = list.replace(/^import \{ /m, `import { ${id} } from "./${id}/index.ts";\n$&`);
  return imported.replace(/^(export const steps\b[^;]*?),?\s*\];$/m, `$1, ${id}];`);
}

const questions = (id: string, title: string) => `${LICENCE}
// What the step "${id}" asks. WRITE: why.

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description: "WRITE: what this part of an answers file is about.",
  additionalProperties: false,
  properties: {
    enabled: {
      type: "boolean",
      description: "WRITE: what is switched on. Default: false.",
    },
  },
} as const;

export type ${title}Answers = FromSchema<typeof schema>;
`;

const check = (id: string) => `${LICENCE}
// Checks the answers of "${id}": what the schema does not say. WRITE: what that is.

import type { Problem } from "../../setup/problems.ts";

export function check(): Problem[] {
  return [];
}
`;

const apply = (id: string, title: string) => `${LICENCE}
// Makes what "${id}" was asked for. WRITE: what that is; a power cut repeats it from the start.

import type { StepTools } from "../../setup/step.ts";
import type { ${title}Answers } from "./questions.ts";

export async function apply({ enabled }: ${title}Answers, { progress }: StepTools): Promise<void> {
  progress(enabled ? "progress.${id}.on" : "progress.${id}.off");
}
`;

const verify = (id: string) => `${LICENCE}
// Looks at the box whether "${id}" is as it should be. WRITE: how that shows.

import type { Warning } from "../../setup/step.ts";

export async function verify(): Promise<Warning[]> {
  return [];
}
`;

const index = (id: string, title: string) => `${LICENCE}
// Step "${id}". WRITE: what it is for.

import { defineStep, type ProbeResult } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check } from "./check.ts";
import { type ${title}Answers, schema } from "./questions.ts";
import { verify } from "./verify.ts";

export const ${id} = defineStep<${title}Answers, ProbeResult>({
  id: "${id}",
  schema,
  skippable: true,
  probe: async () => ({ defaults: { enabled: false } }),
  check,
  apply,
  verify,
});
`;

const english = (id: string, title: string) => `${LICENCE}
// Texts of the step "${id}", in English.

export const en = {
  "step.${id}": "${title}",
  "step-name.${id}": "${title}",
  "cli.${id}": "WRITE: what this part of the box is",
  "ask.${id}.enabled": "WRITE: a question with yes or no",
  "help.${id}.enabled": "WRITE: what the answer means for the person.",
  "label.${id}.enabled": "${title}",
  "progress.${id}.on": "${title}: on",
  "progress.${id}.off": "${title}: off",
  "warning.${id}-passed": "WRITE: what is missing now. To do it later: cbox ${id} setup.",
} as const;
`;

const catalan = (id: string, title: string) => `${LICENCE}
// Texts of the step "${id}", in Catalan.

export const ca = {
  "step.${id}": "${title}",
  "step-name.${id}": "${title}",
  "cli.${id}": "WRITE: què és aquesta part de la caixa",
  "ask.${id}.enabled": "WRITE: una pregunta de sí o no",
  "help.${id}.enabled": "WRITE: què vol dir la resposta per a la persona.",
  "label.${id}.enabled": "${title}",
  "progress.${id}.on": "${title}: en marxa",
  "progress.${id}.off": "${title}: apagat",
  "warning.${id}-passed": "WRITE: què falta ara. Per fer-ho més tard: cbox ${id} setup.",
} as const;
`;

const spanish = (id: string, title: string) => `${LICENCE}
// Texts of the step "${id}", in Spanish.

export const es = {
  "step.${id}": "${title}",
  "step-name.${id}": "${title}",
  "cli.${id}": "WRITE: qué es esta parte de la caja",
  "ask.${id}.enabled": "WRITE: una pregunta de sí o no",
  "help.${id}.enabled": "WRITE: qué significa la respuesta para la persona.",
  "label.${id}.enabled": "${title}",
  "progress.${id}.on": "${title}: en marcha",
  "progress.${id}.off": "${title}: apagado",
  "warning.${id}-passed": "WRITE: qué falta ahora. Para hacerlo más tarde: cbox ${id} setup.",
} as const;
`;
