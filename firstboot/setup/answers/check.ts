// SPDX-License-Identifier: GPL-3.0-or-later
// Checks answers: their form by the schema, then their meaning by the steps. Finds all mistakes in one pass.

import type { Checked } from "../../../common/schema.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { type Problem, problem } from "../problems.ts";
import { secretQuestions, setAnswer, withDefaults } from "../questions.ts";
import type { AllAnswers, Answers, ProbeResult, Step } from "../step.ts";
import { answersSchema, sectionSchema } from "./schema.ts";

export interface CheckedAnswers {
  readonly problems: readonly Problem[];
  /** Defaults filled in, wrong fields removed; secrets are still included. */
  readonly answers: { readonly [step: string]: Answers };
}

/** Checks a whole answers file. */
export async function checkFile(
  data: unknown,
  steps: readonly Step[],
  box: Box,
  image: ImageInfo,
): Promise<CheckedAnswers> {
  const problems = (await formProblems(data, await fileForm(steps))).map(notHere);
  const answers: Record<string, Answers> = {};
  // A probe also sees the answers of later sections of the file, unchecked.
  const unchecked = Object.fromEntries(
    steps.map((step) => [step.id, without(plain(step, sectionIn(data, step)), step, problems)]),
  );
  for (const step of steps) {
    const section = sectionIn(data, step);
    const probe = await step.probe(box, image, {
      ...unchecked,
      ...answers,
      [step.id]: plain(step, section),
    });
    const wellFormed = withDefaults(step, without(section, step, problems), probe);
    problems.push(...(await senseProblems(step, wellFormed, probe, givenIn(step, section))));
    answers[step.id] = without(wellFormed, step, problems);
  }
  return { problems: oncePerField(problems), answers };
}

/** Checks one step's section of a file. `providedSecrets`: secrets given earlier; `all`: the other answers. */
export async function checkSection(
  step: Step,
  section: unknown,
  providedSecrets: readonly string[],
  box: Box,
  image: ImageInfo,
  all: AllAnswers,
): Promise<{ readonly problems: readonly Problem[]; readonly answers: Answers }> {
  const problems = await formProblems(section, await form(sectionSchema(step)), step.id);
  const known = isRecord(section) ? (section as Answers) : {};
  const probe = await step.probe(box, image, { ...all, [step.id]: plain(step, known) });
  const wellFormed = withDefaults(step, without(known, step, problems), probe);
  problems.push(
    ...(await senseProblems(step, wellFormed, probe, [...providedSecrets, ...givenIn(step, known)])),
  );
  return { problems: oncePerField(problems), answers: without(wellFormed, step, problems) };
}

/** Checks the complete answers of one step, as typed. `providedSecrets`: secrets given earlier. */
export async function checkStep(
  step: Step,
  answers: Answers,
  providedSecrets: readonly string[],
  box: Box,
  image: ImageInfo,
  all: AllAnswers,
): Promise<readonly Problem[]> {
  const problems = await formProblems(answers, await form(sectionSchema(step)), step.id);
  if (problems.length) return problems;
  return oncePerField(await senseProblems(step, answers, await step.probe(box, image, all), providedSecrets));
}

async function senseProblems(
  step: Step,
  answers: Answers,
  probe: ProbeResult,
  providedSecrets: readonly string[],
): Promise<Problem[]> {
  return [
    ...step.check(answers, probe, new Set(providedSecrets)),
    ...((await step.examine?.(answers, probe)) ?? []),
    ...(step.missing?.(answers) ?? []),
  ];
}

function sectionIn(data: unknown, { id }: Step): Answers {
  return isRecord(data) && isRecord(data[id]) ? (data[id] as Answers) : {};
}

/** Without secrets. */
function plain(step: Step, section: Answers): Answers {
  return secretQuestions(step).reduce((rest, { path }) => setAnswer(rest, path, undefined), section);
}

type Form = (data: unknown) => Checked<unknown>;

async function form(schema: object): Promise<Form> {
  // ajv is half of the bundle: it is loaded only when needed.
  const { compileSchema } = await import("../../../common/schema.ts");
  return compileSchema(schema, { name: "answers.yaml" });
}

/** Kept: compiling a schema takes longer than a thousand checks. */
const fileForms = new WeakMap<readonly Step[], Promise<Form>>();

function fileForm(steps: readonly Step[]): Promise<Form> {
  const { $schema: _draft, ...schema } = answersSchema(steps);
  const known = fileForms.get(steps) ?? form(schema);
  fileForms.set(steps, known);
  return known;
}

/** `section`: the part of the file that the data comes from. */
async function formProblems(data: unknown, check: Form, section = ""): Promise<Problem[]> {
  const checked = check(data);
  if (checked.ok) return [];
  return checked.errors.map(({ code, field, found, expected, hint }) => ({
    ...problem([section, field].filter(Boolean).join("."), code, { found, values: { expected } }),
    expected,
    ...(hint ? { hint } : {}),
  }));
}

/** For a section that belongs to other boxes, a more precise error than "no such field". */
function notHere(found: Problem): Problem {
  if (found.code !== "unknown-key") return found;
  if (found.field === "install") return problem("install", "install-not-here");
  return found.field === "network" ? problem("network", "network-not-here") : found;
}

/** Answers without the fields that have a problem. */
function without(answers: Answers, step: Step, problems: readonly Problem[]): Answers {
  return problems
    .filter(({ field }) => field.startsWith(`${step.id}.`))
    .map(({ field }) => field.slice(step.id.length + 1).replace(/\[.*$/, ""))
    .reduce((rest, path) => setAnswer(rest, path, undefined), answers);
}

function givenIn(step: Step, section: Answers): string[] {
  return secretQuestions(step)
    .filter(({ path }) =>
      path.split(".").reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), section),
    )
    .map(({ path }) => `${step.id}.${path}`);
}

/** A field of the wrong type usually fails a later check, too: only its first problem is reported. */
function oncePerField(problems: readonly Problem[]): Problem[] {
  const byField = new Map<string, Problem>();
  for (const each of problems) if (!byField.has(each.field)) byField.set(each.field, each);
  return [...byField.values()];
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}
