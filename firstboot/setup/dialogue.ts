// SPDX-License-Identifier: GPL-3.0-or-later
// The state of one step's questions: which one is next, and what follows from an answer. Pure. A front end shows the
// question and passes the answer in; the runner saves answers and does look-ups.

import type { Value } from "../../common/json.ts";
import type { Problem } from "./problems.ts";
import { getAnswer, isAsked, pagesOf, type Question, questionsOf, setAnswer } from "./questions.ts";
import type { Answers, Choice, Finding, ProbeResult, Step } from "./step.ts";

/** A position in the questions of a step. Immutable: every function below returns a new one. */
export interface Dialogue {
  readonly step: Step;
  readonly answers: Answers;
  /** Paths of the secrets that the set-up has, e.g. "system.owner.password". */
  readonly providedSecrets: readonly string[];
  /** Whether the person uses a screen and keyboard of the box. */
  readonly isScreen: boolean;
  /** What the step's probe found on the box. */
  readonly probed: ProbeResult;
  /** What look-ups added to that, by the path of the question. */
  readonly lookedUp: { readonly [path: string]: Partial<ProbeResult> };
  /** Mistakes because of which the step is asked again. */
  readonly refused: readonly Problem[];
  /** The known mistakes that were not shown with their question yet. */
  readonly pending: readonly Problem[];
  /** Index of the question in {@link pages}; their number when all are answered. */
  readonly index: number;
}

export type DialogueStart = Pick<
  Dialogue,
  "step" | "answers" | "providedSecrets" | "isScreen" | "probed" | "refused"
>;

/** Starts at the first question with a mistake; at the first one when there is none, or when `fromStart` is set. */
export function openDialogue(start: DialogueStart, fromStart = false): Dialogue {
  const dialogue = { ...start, lookedUp: {}, pending: start.refused, index: 0 };
  const wrong = pages(dialogue).findIndex((page) => start.refused.some((each) => isAbout(each, page)));
  return { ...dialogue, index: fromStart ? 0 : Math.max(0, wrong) };
}

/** What the probe and the look-ups found, together. */
export function factsOf({ probed, lookedUp }: Dialogue): ProbeResult {
  return Object.values(lookedUp).reduce(withLookedUp, probed);
}

function withLookedUp(
  facts: ProbeResult,
  { defaults, choices, texts, hidden }: Partial<ProbeResult>,
): ProbeResult {
  return {
    ...facts,
    defaults: { ...facts.defaults, ...defaults },
    choices: { ...facts.choices, ...choices },
    texts: { ...facts.texts, ...texts },
    hidden: hidden ?? facts.hidden ?? [],
  };
}

/** The pages to ask at this console, in order; yes-or-no questions that belong together are one page. */
export function pages(dialogue: Dialogue): Question[] {
  const { step, answers, providedSecrets, isScreen, refused } = dialogue;
  const facts = factsOf(dialogue);
  // A question for a screen is asked at other consoles only when its answer is wrong.
  const isForHere = (question: Question) =>
    !question.atScreen || isScreen || refused.some((each) => isAbout(each, question));
  const hasSecret = ({ whenSecret }: Question) =>
    whenSecret === undefined ||
    getAnswer(answers, whenSecret) !== undefined ||
    providedSecrets.includes(`${step.id}.${whenSecret}`);
  return pagesOf(
    questionsOf(step).filter(
      (question) => isForHere(question) && hasSecret(question) && isAsked(question, answers, facts),
    ),
  );
}

/** The page that is asked now; undefined when all are answered. */
export function currentPage(dialogue: Dialogue): Question | undefined {
  return pages(dialogue)[dialogue.index];
}

/** Mistakes that belong to no page here: unless shown, the step would be asked again without a reason. */
export function strayProblems(dialogue: Dialogue): Problem[] {
  const { step, pending } = dialogue;
  const asked = pages(dialogue);
  return pending.filter((each) => isInStep(each, step) && !asked.some((question) => isAbout(each, question)));
}

/** The mistakes to show with a page. */
export function problemsAt({ pending }: Dialogue, page: Question): Problem[] {
  return pending.filter((each) => isAbout(each, page));
}

/** The page's mistakes were shown. */
export function withShown(dialogue: Dialogue, page: Question): Dialogue {
  return { ...dialogue, pending: dialogue.pending.filter((each) => !isAbout(each, page)) };
}

/** The answers after a page was answered, left, or partly filled in, with the runner's new `providedSecrets`. */
export function withAnswers(
  dialogue: Dialogue,
  answers: Answers,
  providedSecrets: readonly string[],
): Dialogue {
  return { ...dialogue, answers, providedSecrets };
}

/**
 * After the look-up of a page's answer. Goes to the next page, unless the answer is wrong or was not confirmed:
 * `isAccepted` says that the person was not asked, or said yes.
 */
export function withFinding(
  dialogue: Dialogue,
  { path }: Question,
  { problems = [], probe }: Pick<Finding, "problems" | "probe">,
  isAccepted: boolean,
): Dialogue {
  const { [path]: _former, ...others } = dialogue.lookedUp;
  const isRight = isAccepted && problems.length === 0;
  return {
    ...dialogue,
    lookedUp: probe ? { ...others, [path]: probe } : others,
    pending: [...dialogue.pending, ...problems],
    index: isRight ? dialogue.index + 1 : dialogue.index,
  };
}

/** At the previous page; undefined at the first one. */
export function oneBack(dialogue: Dialogue): Dialogue | undefined {
  return dialogue.index === 0 ? undefined : { ...dialogue, index: dialogue.index - 1 };
}

/** The default answer. A correction of a wrong answer is mentioned but never offered: it is a guess. */
export function offeredAnswer(dialogue: Dialogue, { path }: Question): Value | undefined {
  return getAnswer(dialogue.answers, path) ?? factsOf(dialogue).defaults[path];
}

/** The choices of a question; none for a text question. */
export function choicesOf(dialogue: Dialogue, { kind, path, choices }: Question): readonly Choice[] {
  const values = kind === "boolean" ? ["true", "false"] : choices;
  return factsOf(dialogue).choices?.[path] ?? values.map((value) => ({ value }));
}

/** On a page of several yes-or-no questions: the paths of those that are yes. */
export function markedMembers(dialogue: Dialogue, { members = [] }: Question): string[] {
  return members.filter((member) => offeredAnswer(dialogue, member) === true).map(({ path }) => path);
}

/** The answers with all of a page's yes-or-no questions. */
export function answersWithMarks(
  { answers }: Dialogue,
  { members = [] }: Question,
  marked: readonly string[],
): Answers {
  return members.reduce((all, { path }) => setAnswer(all, path, marked.includes(path)), answers);
}

/** What was typed, as the value of its question; an empty line means `offered`. */
export function typedValue({ kind, isVerbatim }: Question, typed: string, offered: string): Value {
  const said = (isVerbatim ? typed : typed.trim()) || offered;
  // What is not a number stays text: the step's check reports it.
  return kind === "number" && /^\d{1,9}$/.test(said) ? Number(said) : said;
}

/** The mistakes of one page in these answers of its step. */
export function checkPage(dialogue: Dialogue, page: Question, answers: Answers): Problem[] {
  const { step, providedSecrets } = dialogue;
  // A secret that is typed now replaces the earlier one.
  const isRetyped = page.kind === "secret" && getAnswer(answers, page.path) !== undefined;
  const others = providedSecrets.filter((path) => !isRetyped || path !== `${step.id}.${page.path}`);
  return step.check(answers, factsOf(dialogue), new Set(others)).filter((each) => isAbout(each, page));
}

/** Is this mistake about what the page asks? */
export function isAbout(mistake: Problem, { step, path, members = [] }: Question): boolean {
  const own = `${step}.${path}`;
  const { field } = mistake;
  return field === own || field.startsWith(`${own}[`) || members.some((each) => isAbout(mistake, each));
}

function isInStep({ field }: Problem, { id }: Step): boolean {
  return field === id || field.startsWith(`${id}.`);
}
