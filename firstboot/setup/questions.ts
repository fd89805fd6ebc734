// SPDX-License-Identifier: GPL-3.0-or-later
// Converts a step's JSON Schema into the questions that a front end asks, and reads and changes answers by path.

import type { Value } from "../../common/json.ts";
import type { Answers, ProbeResult, QuestionSchema, Step } from "./step.ts";

export interface Question {
  readonly step: string;
  /** Path within the step's answers, e.g. "owner.name". */
  readonly path: string;
  /** Stable name for tag lines, e.g. "system/owner.name". */
  readonly tag: string;
  readonly kind: "choice" | "boolean" | "number" | "text" | "secret" | "list" | "several";
  readonly choices: readonly string[];
  readonly when: { readonly [path: string]: string | readonly string[] };
  /** Path of a list that must have an entry. */
  readonly whenAny?: string;
  /** Path of a secret that must have been given. */
  readonly whenSecret?: string;
  /** Keys that were typed before its page was shown do not answer it. */
  readonly isDeliberate?: true;
  /** Asked only at a screen. */
  readonly atScreen?: true;
  /** Leading and trailing spaces are part of its answer. */
  readonly isVerbatim?: true;
  /** Name of the page that asks it together with others. */
  readonly together?: string;
  /** On such a page: its questions, each yes or no. */
  readonly members?: readonly Question[];
}

/** All questions of a step, in the order of its schema. */
export function questionsOf(step: Pick<Step, "id" | "schema">): Question[] {
  return flatten(step.schema, "").map(({ path, schema }) => ({
    step: step.id,
    path,
    tag: `${step.id}/${schema["x-name"] ?? path}`,
    kind: kindOf(schema),
    choices: schema.enum ?? [],
    when: schema["x-when"] ?? {},
    ...(schema["x-when-any"] ? { whenAny: schema["x-when-any"] } : {}),
    ...(schema["x-when-secret"] ? { whenSecret: schema["x-when-secret"] } : {}),
    ...(schema["x-deliberate"] ? { isDeliberate: true } : {}),
    ...(schema["x-screen"] ? { atScreen: true } : {}),
    ...(schema["x-verbatim"] ? { isVerbatim: true } : {}),
    ...(schema["x-together"] ? { together: schema["x-together"] } : {}),
  }));
}

/** The pages of these questions: questions that belong together share a page, at the place of the first of them. */
export function pagesOf(questions: readonly Question[]): Question[] {
  const pages: Question[] = [];
  for (const question of questions) {
    const { step, together } = question;
    if (together === undefined) pages.push(question);
    else if (!pages.some((page) => page.members && page.path === together)) {
      const members = questions.filter((each) => each.together === together);
      const tag = `${step}/${together}`;
      pages.push({ step, path: together, tag, kind: "several", choices: [], when: {}, members });
    }
  }
  return pages;
}

function flatten(schema: QuestionSchema, at: string): { path: string; schema: QuestionSchema }[] {
  if (schema["x-file-only"]) return [];
  if (schema.type !== "object") return [{ path: at, schema }];
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    flatten(inner, at ? `${at}.${name}` : name),
  );
}

function kindOf(schema: QuestionSchema): Question["kind"] {
  if (schema["x-secret"]) return "secret";
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "integer") return "number";
  return schema.type === "array" ? "list" : "text";
}

/** Is the question relevant, given the box and the answers so far? */
export function isAsked(question: Question, answers: Answers, probe: ProbeResult): boolean {
  if (probe.hidden?.includes(question.path)) return false;
  if (question.whenAny && String(getAnswer(answers, question.whenAny) ?? "") === "") return false;
  return Object.entries(question.when).every(([path, values]) =>
    [values].flat().includes(String(getAnswer(answers, path))),
  );
}

export function getAnswer(answers: Answers, path: string): Value | undefined {
  return path.split(".").reduce<Value | undefined>((here, name) => {
    return isGroup(here) && Object.hasOwn(here, name) ? here[name] : undefined;
  }, answers);
}

/** The answers with one more; `undefined` removes it. */
export function setAnswer(answers: Answers, path: string, value: Value | undefined): Answers {
  const [name = "", ...rest] = path.split(".");
  const { [name]: inner, ...others } = answers;
  if (rest.length === 0) return value === undefined ? others : { ...answers, [name]: value };
  if (value === undefined && !isGroup(inner)) return answers;
  return { ...answers, [name]: setAnswer(isGroup(inner) ? inner : {}, rest.join("."), value) };
}

/** Fills in defaults for what was left out, only for questions whose conditions hold. */
export function withDefaults(step: Step, answers: Answers, probe: ProbeResult): Answers {
  return questionsOf(step).reduce((filled, question) => {
    const value = probe.defaults[question.path];
    const isOpen = getAnswer(filled, question.path) === undefined;
    return isOpen && value !== undefined && isAsked(question, filled, probe)
      ? setAnswer(filled, question.path, value)
      : filled;
  }, answers);
}

/** Drops answers to questions that are not asked any more, such as the address after a change to DHCP. */
export function withoutUnasked(step: Step, answers: Answers, probe: ProbeResult): Answers {
  return questionsOf(step)
    .filter((question) => !isAsked(question, answers, probe) && !probe.hidden?.includes(question.path))
    .reduce((kept, question) => setAnswer(kept, question.path, undefined), answers);
}

export function secretQuestions(step: Pick<Step, "id" | "schema">): Question[] {
  return questionsOf(step).filter(({ kind }) => kind === "secret");
}

function isGroup(value: Value | undefined): value is Answers {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
