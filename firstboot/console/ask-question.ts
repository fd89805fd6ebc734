// SPDX-License-Identifier: GPL-3.0-or-later
// How one page of questions is asked at a terminal: choices, marks, text, lists, and secrets that are typed twice.

import type { Value } from "../../common/json.ts";
import { isTextKey } from "../i18n/translate.ts";
import {
  answersWithMarks,
  checkPage,
  choicesOf,
  type Dialogue,
  factsOf,
  isAbout,
  markedMembers,
  offeredAnswer,
  typedValue,
} from "../setup/dialogue.ts";
import type { Problem } from "../setup/problems.ts";
import { type Question, setAnswer } from "../setup/questions.ts";
import type { Answers } from "../setup/step.ts";
import { type Conversation, translate } from "./conversation.ts";
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
import type { Command, Option, Page } from "./terminal.ts";

/** Typed for "none" where Enter would keep a value or use the default. */
const NONE = "-";
const LOG_LINES = 14;
/** Width limit of a list item in columns, and how much of its ends is shown when it is longer. */
const ITEM = { longest: 60, head: 40, tail: 16 };

/** `answers`: of the step, with this page's. "back" may include the part of a list that was already given. */
export type PageReply =
  | { readonly answers: Answers }
  | { readonly command: "back"; readonly answers?: Answers };

/** A value, or "back" with the list items typed so far. */
type Asked = { readonly value: Value | undefined } | { readonly command: "back"; readonly draft?: Value };

interface Asking {
  readonly talk: Conversation;
  readonly dialogue: Dialogue;
  readonly question: Question;
  /** Enter alone is not accepted: for a secret that was lost. */
  readonly isNeeded: boolean;
}

/** Asks until the answer is valid or the person goes back. `known`: mistakes to show at first. */
export async function askPage(
  talk: Conversation,
  dialogue: Dialogue,
  question: Question,
  known: readonly Problem[],
  isNeeded = false,
): Promise<PageReply> {
  if (question.members) return askSeveral(talk, dialogue, question, known);
  const { answers } = dialogue;
  const reply = await askChecked({ talk, dialogue, question, isNeeded }, known);
  if ("value" in reply) return { answers: setAnswer(answers, question.path, reply.value) };
  return reply.draft === undefined
    ? { command: "back" }
    : { command: "back", answers: setAnswer(answers, question.path, reply.draft) };
}

/** Asks yes or no when a look-up wants its finding confirmed. */
export async function confirm(talk: Conversation, question: Question, title: string): Promise<boolean> {
  const t = translate(talk.runner);
  const page = { tag: `${question.tag}.confirm`, title, ...choiceKeys(t), isDeliberate: true };
  const options = ["true", "false"].map((value) => ({ value, label: optionLabel(t, question, value, true) }));
  const reply = await withCommands(talk, question, () =>
    choose(talk.terminal, page, options, 0, talk.signal),
  );
  return "value" in reply && reply.value === "true";
}

/** A page of yes-or-no questions with marks: repeats until the marked answers are valid together. */
async function askSeveral(
  talk: Conversation,
  dialogue: Dialogue,
  question: Question,
  known: readonly Problem[],
): Promise<PageReply> {
  const members = question.members ?? [];
  let tried = dialogue.answers;
  let problems = known;
  for (;;) {
    const t = translate(talk.runner);
    const page = {
      ...questionPage(t, question, sentences(talk, problems)),
      ...severalKeys(t, members.length),
    };
    const options = members.map((member) => ({ value: member.path, label: questionPage(t, member).title }));
    const reply = await withCommands(talk, question, async () => {
      const marked = markedMembers({ ...dialogue, answers: tried }, question);
      const picked = await pick(talk.terminal, page, options, marked, talk.signal);
      // Keep the marks also when the page was only left for its help.
      tried = answersWithMarks(dialogue, question, picked.values);
      return picked.command ? { command: picked.command } : picked;
    });
    if ("command" in reply) return { command: "back", answers: tried };
    problems = checkPage(dialogue, question, tried);
    if (problems.length === 0) return { answers: tried };
  }
}

async function askChecked(asking: Asking, known: readonly Problem[]): Promise<Asked> {
  const { talk, dialogue, question } = asking;
  const { runner, terminal } = talk;
  for (const { key, values } of factsOf(dialogue).notes?.[question.path] ?? [])
    terminal.note(translate(runner)(key, values));
  const check = async (value: Value | undefined) => {
    const tried = setAnswer(dialogue.answers, question.path, value);
    const found = checkPage(dialogue, question, tried);
    if (found.length > 0 || question.kind !== "secret" || value === undefined) return found;
    return examine(asking, tried);
  };
  let problems = known;
  for (;;) {
    const reply = await askOnce(asking, sentences(talk, problems), check);
    if ("command" in reply) return reply;
    // A secret that is typed twice was already checked before the second time.
    const isChecked =
      question.kind === "secret" &&
      reply.value !== undefined &&
      !runner.isLookedUp(question.step, question.path);
    problems = isChecked ? [] : await check(reply.value);
    if (problems.length === 0) return reply;
  }
}

/** Runs the slower checks and shows a line meanwhile. */
async function examine({ talk, dialogue, question }: Asking, answers: Answers): Promise<readonly Problem[]> {
  const { step } = dialogue;
  if (!step.examine) return [];
  const t = translate(talk.runner);
  const own = `examine.${step.id}.${question.path}`;
  if (isTextKey(own)) talk.terminal.line(t(own));
  return (await step.examine(answers, factsOf(dialogue))).filter((each) => isAbout(each, question));
}

async function askOnce(
  asking: Asking,
  error: string | undefined,
  check: (value: Value) => Promise<readonly Problem[]>,
): Promise<Asked> {
  const { talk, dialogue, question } = asking;
  const t = translate(talk.runner);
  const offered = offeredAnswer(dialogue, question);
  const options = choicesOf(dialogue, question).map(({ value, label = optionLabel(t, question, value) }) => ({
    value,
    label,
  }));
  const page = questionPage(t, question, error, [], factsOf(dialogue).texts?.[question.path]);
  if (options.length > 0) return askChoice(talk, question, options, String(offered ?? ""), page);
  if (question.kind === "secret") return askSecret(asking, error, check);
  if (question.kind === "list")
    return askList(talk, question, Array.isArray(offered) ? offered.map(String) : [], error);
  return askText(talk, question, String(offered ?? ""), page);
}

async function askChoice(
  talk: Conversation,
  question: Question,
  options: readonly Option[],
  current: string,
  asking: Page,
): Promise<Asked> {
  // Consent must be explicit: Enter alone means no.
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

async function askText(talk: Conversation, question: Question, offered: string, page: Page): Promise<Asked> {
  const reply = await withCommands(talk, question, () =>
    talk.terminal.ask(page, talk.signal, { initial: offered }),
  );
  return "command" in reply ? reply : { value: typedValue(question, reply.value, offered) };
}

/** One item per line, an empty line ends the list; an empty first line keeps the current items. */
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

/** Typed twice, unless a look-up checks it at once. Enter alone keeps the earlier one, or means none. */
async function askSecret(
  { talk, question, isNeeded }: Asking,
  error: string | undefined,
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
    // Checked before it is typed again, so that nobody repeats a password that is too short.
    const problems = await check(reply.value);
    complaint = sentences(talk, problems);
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

/** Handles help and log; "skip" has no meaning at a question. */
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

function sentences({ runner }: Conversation, problems: readonly Problem[]): string | undefined {
  const t = translate(runner);
  return problems.map((each) => problemSentence(t, each)).join(" ") || undefined;
}

function shorten(item: string): string {
  return item.length > ITEM.longest ? `${item.slice(0, ITEM.head)}...${item.slice(-ITEM.tail)}` : item;
}
