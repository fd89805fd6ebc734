// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "services" asks, generated from the catalogue: discovery, then the other services on one page; places
// and settings only for those that were chosen.

import type { Value } from "../../../common/json.ts";
import type { PlaceId, Service } from "../../../common/service.ts";
import { catalogue } from "../../catalogue/catalogue.ts";
import { defaultInputs } from "../../services/data.ts";
import { getAnswer } from "../../setup/questions.ts";
import type { Answers, QuestionSchema } from "../../setup/step.ts";

/** Name of the page with all other services. */
export const TOGETHER = "which";
/** The service's own way; a place is only asked for where there is a choice. */
export const others: readonly Service[] = catalogue.filter((service) => !isDiscovery(service));
export const discovery: readonly Service[] = catalogue.filter(isDiscovery);

export const schema: QuestionSchema = {
  type: "object",
  description: "What the box does for the community.",
  additionalProperties: false,
  properties: {
    ...Object.fromEntries(discovery.map((service) => [service.id, questionsAbout(service)])),
    ...Object.fromEntries(others.map((service) => [service.id, questionsAbout(service)])),
  },
};

/** Discovery has its own question, before the others. */
export function isDiscovery({ discovery }: Service): boolean {
  return discovery === "community";
}

function questionsAbout(service: Service): QuestionSchema {
  const { id, enabled, description, where, inputs } = service;
  const together = isDiscovery(service) ? {} : { "x-together": TOGETHER };
  const whenEnabled = { "x-when": { [`${id}.enabled`]: "true" } };
  const context: QuestionSchema = {
    type: "string",
    enum: [...where.allowed],
    description: `Where it runs. Default: the first of these that the box has: ${where.allowed.join(", ")}.`,
    ...whenEnabled,
  };
  return {
    type: "object",
    description: description.en,
    additionalProperties: false,
    properties: {
      enabled: { type: "boolean", description: `Default: ${enabled}.`, "x-name": id, ...together },
      ...(where.allowed.length > 1 ? { context } : {}),
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, input]) => {
          const { default: usual, ...rules } = input.schema;
          // The value in the template of the answers file.
          const examples = usual === undefined || usual === "" ? {} : { examples: [usual] };
          const when = Object.entries(input.when ?? {}).map(
            ([other, values]) => [`${id}.${other}`, [values].flat().map(String)] as const,
          );
          const asked = { "x-when": { ...whenEnabled["x-when"], ...Object.fromEntries(when) } };
          const question = { ...examples, ...rules, ...asked } as unknown as QuestionSchema;
          return [name, input.file_only ? { ...question, "x-file-only": true } : question];
        }),
      ),
    },
  };
}

export interface Choice {
  readonly service: Service;
  readonly where: PlaceId | undefined;
  readonly inputs: { readonly [name: string]: Value };
}

/** The services that these answers switch on, with those they depend on, most important first. */
export function chosen(answers: Answers): Choice[] {
  const wanted = catalogue.filter(({ id, enabled }) => getAnswer(answers, `${id}.enabled`) ?? enabled);
  const needed = new Set(wanted.flatMap(({ needs }) => needs.services ?? []));
  return catalogue
    .filter((service) => wanted.includes(service) || needed.has(service.id))
    .map((service) => {
      const where = getAnswer(answers, `${service.id}.context`);
      const inputs = Object.keys(service.inputs).flatMap((name) => {
        const value = getAnswer(answers, `${service.id}.${name}`);
        return value === undefined ? [] : [[name, value] as const];
      });
      return {
        service,
        where: where as PlaceId | undefined,
        inputs: { ...defaultInputs(service), ...Object.fromEntries(inputs) },
      };
    });
}
