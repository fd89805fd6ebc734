// SPDX-License-Identifier: GPL-3.0-or-later
// Turns a step's JSON Schema into the questions a front end asks, one by one, and puts answers together and apart.

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
  /** Only what is typed after its page was shown answers it. */
  readonly isDeliberate?: true;
  /** Asked at a screen only. */
  readonly atScreen?: true;
  /** Spaces at the ends of its answer belong to it. */
  readonly isVerbatim?: true;
  /** Name of the page that asks it together with others. */
  readonly together?: string;
  /** Of such a page: the questions on it, each yes or no. */
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

/** The pages that ask these questions: those that belong together are one, at the place of the first of them. */
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

/** Is the question worth asking, given the box and the answers so far? */
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

/** Answers with one more; `undefined` takes it out. */
export function setAnswer(answers: Answers, path: string, value: Value | undefined): Answers {
  const [name = "", ...rest] = path.split(".");
  const { [name]: inner, ...others } = answers;
  if (rest.length === 0) return value === undefined ? others : { ...answers, [name]: value };
  if (value === undefined && !isGroup(inner)) return answers;
  return { ...answers, [name]: setAnswer(isGroup(inner) ? inner : {}, rest.join("."), value) };
}

/** Fills in what was not said and has a default here; conditions of the questions are heeded. */
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
