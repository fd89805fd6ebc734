// SPDX-License-Identifier: GPL-3.0-or-later
// Asks the questions of one step, one by one, with the way back; checks each answer as it is given.

import type { Value } from "../../common/json.ts";
import type { TextValues } from "../i18n/translate.ts";
import { isTextKey, type Translate, translator } from "../i18n/translate.ts";
import type { Problem } from "../setup/problems.ts";
import { getAnswer, isAsked, pagesOf, type Question, questionsOf, setAnswer } from "../setup/questions.ts";
import type { SetupRunner } from "../setup/runner.ts";
import type { Answers, Choice, ProbeResult, Step } from "../setup/step.ts";
import { choose, pick } from "./menu.ts";
import {
  choiceKeys,
  helpPage,
  logPage,
  optionLabel,
  problemSentence,
  questionPage,
  severalKeys,
} from "./pages.ts";
import { type Command, Gone, type Option, type Page, type Terminal } from "./terminal.ts";

/** Typed for "none" where Enter would keep or take the default. */
const NONE = "-";
const LOG_LINES = 14;

export interface Conversation {
  readonly runner: SetupRunner;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** What "back" at the very first question means: true ends the conversation. Without it the question stays. */
  readonly mayLeave?: () => Promise<boolean>;
}

/** Back, with what was given of an answer of several parts: it is offered again. */
type Asked = { readonly value: Value | undefined } | { readonly command: "back"; readonly draft?: Value };

export type Direction = "on" | "back";

/**
 * Returns when the machine has left the step: checked and gone on, or back. Begins with the first answer that was
 * found wrong, unless `fromStart`. A step with nothing to ask here is passed through in the direction that the person went.
 */
export async function askStep(
  talk: Conversation,
  step: Step,
  fromStart: boolean,
  direction: Direction,
): Promise<Direction> {
  const { runner, terminal } = talk;
  const base = await runner.probe(step);
  const found = new Map<string, Partial<ProbeResult>>();
  let probe = base;
  const all = questionsOf(step);
  const pending = [...runner.context.problems];
  let answers: Answers = runner.context.answers[step.id] ?? {};
  const first = asked(talk, all, answers, probe, pending);
  let index = fromStart ? 0 : Math.max(0, firstWithProblem(first, pending));
  const back = (): Direction => {
    runner.send({ type: "BACK" });
    return "back";
  };
  if (direction === "back" && first.length === 0) return back();
  // A mistake that belongs to no question here would otherwise send the person round in circles.
  const stray = pending.filter(
    (each) => isIn(each, step) && !first.some((question) => isAbout(each, question)),
  );
  for (const each of stray) terminal.note(`[error] ${problemSentence(translate(runner), each)}`);
  if (stray.length > 0 && first.length === 0) return back();
  for (;;) {
    const questions = asked(talk, all, answers, probe, runner.context.problems);
    const question = questions[index];
    if (!question) {
      await handIn(talk, step, answers, probe);
      return "on";
    }
    const known = pending.filter((each) => isAbout(each, question));
    for (const each of known) pending.splice(pending.indexOf(each), 1);
    const reply = question.members
      ? await askSeveral(talk, step, question, answers, probe, known)
      : await askChecked(talk, step, question, answers, probe, known);
    if ("command" in reply) {
      const draft = draftOf(reply, answers, question);
      if (draft) {
        answers = draft;
        runner.answer("DRAFT", step, answers, probe);
        await runner.kept();
      }
      if (index === 0) return back();
      index -= 1;
      continue;
    }
    answers = "answers" in reply ? reply.answers : setAnswer(answers, question.path, reply.value);
    runner.answer("DRAFT", step, answers, probe);
    // The next question is the sign that this answer is safe from a power cut.
    await runner.kept();
    const seen = await lookUp(talk, step, question, answers);
    pending.push(...(seen.problems ?? []));
    if (seen.probe) found.set(question.path, seen.probe);
    else found.delete(question.path);
    probe = [...found.values()].reduce(overlay, base);
    if (seen.isRight) index += 1;
  }
}

/** The answers with what a page was left with; undefined when nothing is to be kept of it. */
function draftOf(
  reply: { readonly draft?: Value; readonly answers?: Answers },
  answers: Answers,
  { path }: Question,
): Answers | undefined {
  return reply.draft === undefined ? reply.answers : setAnswer(answers, path, reply.draft);
}

function overlay(
  probe: ProbeResult,
  { defaults, choices, texts, hidden }: Partial<ProbeResult>,
): ProbeResult {
  return {
    ...probe,
    defaults: { ...probe.defaults, ...defaults },
    choices: { ...probe.choices, ...choices },
    texts: { ...probe.texts, ...texts },
    hidden: hidden ?? probe.hidden ?? [],
  };
}

interface LookedUp {
  readonly isRight: boolean;
  readonly problems?: readonly Problem[];
  readonly probe?: Partial<ProbeResult> | undefined;
}

/** Asks the world about an answer behind a busy line, and the person when the world has a question. */
async function lookUp(
  talk: Conversation,
  step: Step,
  question: Question,
  answers: Answers,
): Promise<LookedUp> {
  const { runner, terminal, signal } = talk;
  if (!runner.isLookedUp(question.step, question.path)) return { isRight: true };
  const t = translate(runner);
  const own = `look-up.${step.id}.${question.path}`;
  terminal.line(`${isTextKey(own) ? t(own) : t("look-up")} (${t("look-up.cancel")})`);
  const finding = await unlessCancelled(talk, (stop) => runner.lookUp(step, question.path, answers, stop));
  if (!finding) return { isRight: false };
  const { problems = [], confirm, notes = [], probe } = finding;
  for (const { key, values } of notes) terminal.note(t(key, values));
  if (problems.length > 0) return { problems, probe, isRight: false };
  if (!confirm) return { probe, isRight: true };
  const page = {
    tag: `${question.tag}.confirm`,
    title: t(confirm.key, confirm.values),
    ...choiceKeys(t),
    isDeliberate: true,
  };
  const options = ["true", "false"].map((value) => ({ value, label: optionLabel(t, question, value, true) }));
  const reply = await withCommands(talk, question, () => choose(terminal, page, options, 0, signal));
  return "value" in reply && reply.value === "true" ? { probe, isRight: true } : { isRight: false };
}

/** Lets the person stop the wait with b; undefined then. Whatever else is typed waits for its question. */
async function unlessCancelled<T>(
  { terminal, signal }: Conversation,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  try {
    // The work may not heed its signal: neither a person who leaves nor one who goes back waits for it.
    const leaving = terminal.keys.cancelled(stop).then(() => undefined);
    const result = await Promise.race([work(stop), leaving]);
    if (signal.aborted) throw new Gone();
    return result;
  } finally {
    over.abort();
  }
}

/** After a power cut: only the secrets that the step needs. */
export async function askSecretAgain(talk: Conversation, step: Step): Promise<void> {
  const { runner, terminal } = talk;
  terminal.note(translate(runner)("secret-again"));
  runner.send(
    (await askMissingSecrets(talk, runner.missingSecrets(step))) ? { type: "SECRETS" } : { type: "BACK" },
  );
}

/** The secrets of other steps, which an earlier set-up did not keep. False: the person went back. */
export async function askBorrowedSecrets(talk: Conversation, step: Step): Promise<boolean> {
  const borrowed = talk.runner.missingSecrets(step).filter((secret) => secret.step.id !== step.id);
  if (borrowed.length > 0) talk.terminal.note(translate(talk.runner)("secret-borrowed"));
  return askMissingSecrets(talk, borrowed);
}

async function askMissingSecrets(
  talk: Conversation,
  missing: ReturnType<SetupRunner["missingSecrets"]>,
): Promise<boolean> {
  const { runner } = talk;
  for (const { step, question } of missing) {
    const answers = runner.context.answers[step.id] ?? {};
    let problems: readonly Problem[] = [];
    for (;;) {
      const reply = await askChecked(talk, step, question, answers, await runner.probe(step), problems, true);
      if ("command" in reply) return false;
      const seen = await lookUp(talk, step, question, setAnswer(answers, question.path, reply.value));
      problems = seen.problems ?? [];
      if (!seen.isRight) continue;
      runner.remember(step, question.path, String(reply.value));
      break;
    }
  }
  return true;
}

async function handIn(
  { runner }: Conversation,
  step: Step,
  answers: Answers,
  probe: ProbeResult,
): Promise<void> {
  runner.answer("ANSWER", step, answers, probe);
  await runner.left(`${step.id}_check`);
}

/** The pages for whoever sits here; what only a screen is asked about comes elsewhere when its answer is wrong. */
function asked(
  { terminal, runner }: Conversation,
  questions: readonly Question[],
  answers: Answers,
  probe: ProbeResult,
  problems: readonly Problem[],
): Question[] {
  const isForHere = (question: Question) =>
    !question.atScreen || terminal.port.isScreen || problems.some((each) => isAbout(each, question));
  const hasSecret = ({ step, whenSecret }: Question) =>
    whenSecret === undefined ||
    getAnswer(answers, whenSecret) !== undefined ||
    runner.context.providedSecrets.includes(`${step}.${whenSecret}`);
  return pagesOf(
    questions.filter(
      (question) => isForHere(question) && hasSecret(question) && isAsked(question, answers, probe),
    ),
  );
}

function firstWithProblem(questions: readonly Question[], problems: readonly Problem[]): number {
  return questions.findIndex((question) => problems.some((each) => isAbout(each, question)));
}

function isIn({ field }: Problem, { id }: Step): boolean {
  return field === id || field.startsWith(`${id}.`);
}

function isAbout(mistake: Problem, { step, path, members = [] }: Question): boolean {
  const own = `${step}.${path}`;
  const { field } = mistake;
  return field === own || field.startsWith(`${own}[`) || members.some((each) => isAbout(mistake, each));
}

/** A page of yes-or-no questions with marks: the answers with all of them, until they go together. */
async function askSeveral(
  talk: Conversation,
  step: Step,
  question: Question,
  answers: Answers,
  probe: ProbeResult,
  known: readonly Problem[],
): Promise<{ readonly answers: Answers; readonly command?: "back" }> {
  const members = question.members ?? [];
  let tried = answers;
  let problems = known;
  for (;;) {
    const t = translate(talk.runner);
    const error = problems.map((each) => problemSentence(t, each)).join(" ") || undefined;
    const page = { ...questionPage(t, question, error), ...severalKeys(t, members.length) };
    const options = members.map((member) => ({ value: member.path, label: questionPage(t, member).title }));
    const reply = await withCommands(talk, question, async () => {
      const marked = members
        .filter(({ path }) => (getAnswer(tried, path) ?? probe.defaults[path]) === true)
        .map(({ path }) => path);
      const picked = await pick(talk.terminal, page, options, marked, talk.signal);
      // Also when this was only a look at the help: the marks are there afterwards.
      tried = members.reduce((all, { path }) => setAnswer(all, path, picked.values.includes(path)), answers);
      return picked.command ? { command: picked.command } : picked;
    });
    if ("command" in reply) return { command: "back", answers: tried };
    problems = step
      .check(tried, probe, new Set(talk.runner.context.providedSecrets))
      .filter((each) => isAbout(each, question));
    if (problems.length === 0) return { answers: tried };
  }
}

/** Asks until the answer makes sense or the person goes back. */
async function askChecked(
  talk: Conversation,
  step: Step,
  question: Question,
  answers: Answers,
  probe: ProbeResult,
  known: readonly Problem[],
  isNeeded = false,
): Promise<Asked> {
  const { runner, terminal } = talk;
  for (const { key, values } of probe.notes?.[question.path] ?? [])
    terminal.note(translate(runner)(key, values));
  let problems = known;
  for (;;) {
    const t = translate(runner);
    const error = problems.map((each) => problemSentence(t, each)).join(" ") || undefined;
    // What was probably meant stands in the sentence of the problem. Enter never takes it: it is a guess.
    const offered = getAnswer(answers, question.path) ?? probe.defaults[question.path];
    const check = async (value: Value | undefined) => {
      const providedSecrets = runner.context.providedSecrets.filter(
        (path) => path !== `${step.id}.${question.path}` || value === undefined,
      );
      const tried = setAnswer(answers, question.path, value);
      const found = step
        .check(tried, probe, new Set(providedSecrets))
        .filter((each) => isAbout(each, question));
      if (found.length > 0 || question.kind !== "secret" || value === undefined) return found;
      return examine(talk, step, question, tried, probe);
    };
    const reply = await askOnce(talk, question, offered, probe, error, isNeeded, check);
    if ("command" in reply) return reply;
    // A secret that is typed twice was checked before the second time.
    const isChecked =
      question.kind === "secret" && reply.value !== undefined && !runner.isLookedUp(step.id, question.path);
    problems = isChecked ? [] : await check(reply.value);
    if (problems.length === 0) return reply;
  }
}

/** What takes a moment, behind a line that says what goes on. */
async function examine(
  { runner, terminal }: Conversation,
  step: Step,
  question: Question,
  answers: Answers,
  probe: ProbeResult,
): Promise<readonly Problem[]> {
  if (!step.examine) return [];
  const t = translate(runner);
  const own = `examine.${step.id}.${question.path}`;
  if (isTextKey(own)) terminal.line(t(own));
  return (await step.examine(answers, probe)).filter((each) => isAbout(each, question));
}

async function askOnce(
  talk: Conversation,
  question: Question,
  current: Value | undefined,
  probe: ProbeResult,
  error: string | undefined,
  isNeeded: boolean,
  check: (value: Value) => Promise<readonly Problem[]>,
): Promise<Asked> {
  const t = translate(talk.runner);
  const options = optionsOf(t, question, probe);
  if (options.length > 0) {
    const page = questionPage(t, question, error, [], probe.texts?.[question.path]);
    return askChoice(talk, question, options, String(current ?? ""), page);
  }
  if (question.kind === "secret") return askSecret(talk, question, error, isNeeded, check);
  if (question.kind === "list")
    return askList(talk, question, Array.isArray(current) ? current.map(String) : [], error);
  return askText(talk, question, String(current ?? ""), error, probe.texts?.[question.path]);
}

/** What there is to choose from; nothing for a question that is answered in words. */
function optionsOf(t: Translate, question: Question, probe: ProbeResult): Option[] {
  const values = question.kind === "boolean" ? ["true", "false"] : question.choices;
  const choices: readonly Choice[] = probe.choices?.[question.path] ?? values.map((value) => ({ value }));
  return choices.map(({ value, label = optionLabel(t, question, value) }) => ({ value, label }));
}

async function askChoice(
  talk: Conversation,
  question: Question,
  options: readonly Option[],
  current: string,
  asking: Page,
): Promise<Asked> {
  // Consent is given, not confirmed: there Enter alone says no.
  const offered = current === "" && question.isDeliberate ? "false" : current;
  const initial = Math.max(
    0,
    options.findIndex(({ value }) => value === offered),
  );
  const page = { ...asking, ...choiceKeys(translate(talk.runner)) };
  const reply = await withCommands(talk, question, () =>
    choose(talk.terminal, page, options, initial, talk.signal),
  );
  if ("command" in reply) return reply;
  return { value: question.kind === "boolean" ? reply.value === "true" : reply.value };
}

async function askText(
  talk: Conversation,
  question: Question,
  current: string,
  error?: string,
  values?: TextValues,
): Promise<Asked> {
  const page = questionPage(translate(talk.runner), question, error, [], values);
  const reply = await withCommands(talk, question, () =>
    talk.terminal.ask(page, talk.signal, { initial: current }),
  );
  if ("command" in reply) return reply;
  const said = (question.isVerbatim ? reply.value : reply.value.trim()) || current;
  // What is no number stays a text: the step's check says so.
  return { value: question.kind === "number" && /^\d{1,9}$/.test(said) ? Number(said) : said };
}

/** One item a line, an empty line ends; an empty first line takes what is there. */
async function askList(
  talk: Conversation,
  question: Question,
  current: readonly string[],
  error?: string,
): Promise<Asked> {
  const t = translate(talk.runner);
  const items: string[] = [];
  for (;;) {
    const lines = items.length
      ? [t("list.more", { count: items.length })]
      : current.map((item) => `= ${shorten(item)}`);
    const page = questionPage(t, question, items.length ? undefined : error, lines);
    const reply = await withCommands(talk, question, () => talk.terminal.ask(page, talk.signal));
    if ("command" in reply) return { ...reply, ...(items.length ? { draft: items } : {}) };
    const line = reply.value.trim();
    if (line === NONE) return { value: [] };
    if (line === "") return { value: items.length ? items : [...current] };
    items.push(line);
  }
}

/** Typed twice, unless the world tells at once whether it is right. Enter alone: keeps the one given before, or none. */
async function askSecret(
  talk: Conversation,
  question: Question,
  error: string | undefined,
  isNeeded: boolean,
  check: (value: Value) => Promise<readonly Problem[]>,
): Promise<Asked> {
  const { runner, terminal, signal } = talk;
  const t = translate(runner);
  const path = `${question.step}.${question.path}`;
  let complaint = error;
  for (;;) {
    const isGiven = runner.context.providedSecrets.includes(path) && !isNeeded;
    const page = questionPage(t, question, complaint, isGiven ? [t("secret.keep")] : []);
    const reply = await withCommands(talk, question, () => terminal.ask(page, signal, { isSecret: true }));
    if ("command" in reply) return reply;
    if (reply.value === "" && isNeeded) continue;
    if (reply.value === NONE) runner.withdraw(question.step, path);
    if (reply.value === "" || reply.value === NONE) return { value: undefined };
    if (runner.isLookedUp(question.step, question.path)) return { value: reply.value };
    const problems = await check(reply.value);
    // Before it is typed once more: nobody types a password twice to hear that it is too short.
    complaint = problems.map((each) => problemSentence(t, each)).join(" ");
    if (problems.length > 0) continue;
    const again: Page = {
      ...page,
      tag: `${question.tag}.repeat`,
      title: t("secret.repeat"),
      lines: [],
      error: undefined,
    };
    const repeated = await withCommands(talk, question, () =>
      terminal.ask(again, signal, { isSecret: true }),
    );
    if ("command" in repeated) continue;
    if (repeated.value === reply.value) return { value: reply.value };
    complaint = t("secret.differs");
  }
}

/** Deals with help and log on the spot; "skip" has no meaning at a question. */
async function withCommands<Given extends object>(
  { runner, terminal, signal }: Conversation,
  question: Question,
  ask: () => Promise<Given | { readonly command: Command }>,
): Promise<Given | { readonly command: "back" }> {
  for (;;) {
    const reply = await ask();
    if (!("command" in reply)) return reply;
    const command: Command = reply.command;
    if (command === "back") return { command };
    const t = translate(runner);
    if (command === "help") await terminal.pause(helpPage(t, question, runner.note), signal);
    if (command === "log") await terminal.pause(logPage(t, await runner.log.tail(LOG_LINES)), signal);
  }
}

export function translate(runner: SetupRunner): Translate {
  return translator(runner.language);
}

function shorten(item: string): string {
  return item.length > 60 ? `${item.slice(0, 40)}...${item.slice(-16)}` : item;
}
