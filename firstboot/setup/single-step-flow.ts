// SPDX-License-Identifier: GPL-3.0-or-later
// Sets up one step of a configured box again: begins with its former answers and replaces them at the end. If a step
// that was skipped works now, its warnings are removed.

import { fail } from "../../common/fail.ts";
import { errorText } from "../host/error-text.ts";
import { paths } from "../host/paths.ts";
import { checkSection } from "./answers/check.ts";
import { parseAnswers } from "./answers/file.ts";
import { writeKeptAnswers } from "./answers/report.ts";
import type { CourseTools, SetupFlow } from "./flow.ts";
import type { FoundAnswers, SetupContext } from "./machine.ts";
import { readKeptAnswers, readMarker, writeMarker } from "./marker.ts";
import { secretQuestions } from "./questions.ts";
import type { Secrets } from "./secrets.ts";
import type { AllAnswers, Answers, Step } from "./step.ts";

/** The text of an answers file, for a set-up without questions. */
export interface OneStepOptions {
  readonly file?: string;
}

export function oneStepCourse(tools: CourseTools, step: Step, { file }: OneStepOptions = {}): SetupFlow {
  const others = tools.steps.filter(({ id }) => id !== step.id);
  return {
    state: paths.setupState(step.id),
    others,
    read: async (secrets) => {
      const kept = await keptAnswers(tools, step);
      return file === undefined ? kept : await fromFile(tools, step, kept, file, secrets);
    },
    report: async () => {},
    finish: (context) => finishStep(tools, step, context),
  };
}

type Kept = Extract<FoundAnswers, { kind: "kept" }>;

async function keptAnswers({ box, steps }: CourseTools, step: Step): Promise<Kept> {
  const all = await readKeptAnswers(box);
  const answers: Record<string, Answers> = {};
  for (const { id } of steps) answers[id] = all[id] ?? {};
  // A secret that is looked up has to be typed again; one that the box stores, such as a log-in password, stays.
  const isAskedAgain = (path: string) =>
    step.lookUp?.paths.some((asked) => `${step.id}.${asked}` === path) ?? false;
  const providedSecrets = ((await readMarker(box))?.providedSecrets ?? []).filter(
    (path) => !isAskedAgain(path),
  );
  return {
    kind: "kept",
    answers,
    providedSecrets,
    retainedSecrets: providedSecrets.filter((path) => path.startsWith(`${step.id}.`)),
  };
}

/** The file is the step's section, or a whole answers file: then its section and the secrets it needs are read. */
async function fromFile(
  { box, image, steps }: CourseTools,
  step: Step,
  kept: Kept,
  file: string,
  secrets: Secrets,
): Promise<FoundAnswers> {
  const { whole, section } = await parseSection(file, step);
  const { problems, answers } = await checkSection(
    step,
    section ?? {},
    kept.retainedSecrets,
    box,
    image,
    kept.answers,
  );
  const own = secrets.take(step, answers);
  const borrowed = steps
    .filter(({ id }) => step.secretsFrom?.includes(id))
    .flatMap((each) => secrets.take(each, onlySecrets(each, whole[each.id] ?? {})).newSecrets);
  const providedSecrets = [
    ...kept.providedSecrets.filter((path) => !path.startsWith(`${step.id}.`)),
    ...kept.retainedSecrets,
    ...own.newSecrets,
    ...borrowed,
  ];
  return {
    kind: problems.length ? "refused" : "valid",
    answers: { ...kept.answers, [step.id]: own.answers },
    providedSecrets: [...new Set(providedSecrets)],
    retainedSecrets: kept.retainedSecrets.filter((path) => !own.newSecrets.includes(path)),
    problems,
  };
}

async function parseSection(file: string, step: Step): Promise<{ whole: AllAnswers; section: unknown }> {
  const parsed = await parseAnswers(Buffer.from(file));
  if ("problem" in parsed) {
    return fail({
      code: "answers-not-yaml",
      ...errorText(
        `problem.${parsed.problem.code}`,
        { ...parsed.problem.values },
        "error.answers-not-yaml.hint",
      ),
    });
  }
  const data = parsed.data ?? {};
  const isWhole = typeof data === "object" && data !== null && ("version" in data || step.id in data);
  const whole = (isWhole ? data : {}) as AllAnswers;
  return { whole, section: isWhole ? whole[step.id] : data };
}

function onlySecrets(step: Step, answers: Answers): Answers {
  const names = new Set(secretQuestions(step).map(({ path }) => path.split(".")[0]));
  return Object.fromEntries(Object.entries(answers).filter(([name]) => names.has(name)));
}

/** Repeated from the start after a power cut. */
async function finishStep({ box, image }: CourseTools, step: Step, context: SetupContext) {
  const before = await readMarker(box);
  const isOurs = (code: string, from?: string) => (from ?? code.replace(/-passed$/, "")) === step.id;
  const answers = Object.fromEntries(
    Object.entries({ ...(await readKeptAnswers(box)), [step.id]: context.answers[step.id] ?? {} }),
  );
  const providedSecrets = [
    ...(before?.providedSecrets ?? []).filter((path) => !path.startsWith(`${step.id}.`)),
    ...context.providedSecrets.filter((path) => path.startsWith(`${step.id}.`)),
  ];
  await writeKeptAnswers(box, { answers, providedSecrets });
  await writeMarker(box, {
    configured: before?.configured ?? box.now().toISOString(),
    version: before?.version ?? image.version,
    providedSecrets,
    warnings: [
      ...(before?.warnings ?? []).filter(({ code, step: from }) => !isOurs(code, from)),
      ...context.warnings,
    ],
    answers_file: before?.answers_file,
  });
  return [];
}
