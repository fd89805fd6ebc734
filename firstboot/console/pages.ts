// SPDX-License-Identifier: GPL-3.0-or-later
// The pages of the wizard as plain data, so that tests can check each of them at 80x24 in every language.

import type { Value } from "../../common/json.ts";
import { printable } from "../../common/printable.ts";
import { foundSentence } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Trouble } from "../host/trouble.ts";
import type { TextValues } from "../i18n/translate.ts";
import { isTextKey, languages, type Translate, translator } from "../i18n/translate.ts";
import type { SetupContext } from "../setup/machine.ts";
import { isQuotable, type Problem } from "../setup/problems.ts";
import { getAnswer, isAsked, type Question, questionsOf } from "../setup/questions.ts";
import type { GeneratedCredential, Step, Warning } from "../setup/step.ts";
import type { Summary } from "../setup/summary.ts";
import { HEADING, type Option, type Page } from "./terminal.ts";

/** Columns of a row that must not be wrapped. */
const ROW = 78;
/** The same for a choice, which follows its number. */
const OPTION = 72;
/** Minimum columns for a step's answers before its secrets. */
const SHORTEST = 12;

export interface WelcomeNotes {
  readonly note?: string | undefined;
  /** A file that was probably meant to be answers.yaml. */
  readonly misnamed?: string | undefined;
  /** A text from the person who prepared the card. */
  readonly words?: readonly string[];
}

/** No language is chosen yet: the page says in all languages how to begin. */
export function welcomePage(
  version: string,
  title: string,
  isResumed: boolean,
  { note, misnamed: name, words = [] }: WelcomeNotes = {},
): Page {
  const all = languages.map(translator);
  return {
    tag: "welcome",
    title: `${HEADING}  ${version}`,
    lines: [
      title,
      "",
      ...(isResumed ? all.map((t) => t("welcome.resumed")) : all.map((t) => t("welcome.purpose"))),
      ...(note ? ["", note] : []),
      ...(words.length ? ["", ...words] : []),
      ...(name ? ["", ...all.map((t) => t("welcome.misnamed", { name }))] : []),
      "",
      ...all.map((t) => t("welcome.begin")),
    ],
  };
}

export function busyPage(t: Translate, other: string): Page {
  return { tag: "busy", title: t("busy.title", { console: other }), lines: ["", t("busy.take-over")] };
}

/** The box is on its own disk now; the stick has to be removed. */
export function movedPage(t: Translate): Page {
  return {
    tag: "moved",
    token: "Installed",
    title: t("moved.title"),
    lines: ["", t("moved.what-now")],
  };
}

export function refusedPage(t: Translate, problems: readonly Problem[]): Page {
  return {
    tag: "answers-refused",
    token: "Nothing was changed.",
    title: t("refused.title"),
    lines: [
      ...problems.map((each) => `- ${each.field ? `${each.field}: ` : ""}${problemSentence(t, each)}`),
      "",
      t("refused.what-now"),
      ...languages.map((language) => translator(language)("welcome.begin")),
    ],
    more: t("refused.more"),
  };
}

export function problemSentence(t: Translate, mistake: Problem): string {
  const { code, found, values } = mistake;
  const suggestion = values?.suggestion;
  const asked = typeof suggestion === "string" ? ` ${t("did-you-mean", { suggestion })}` : "";
  // A schema error already contains the wrong value; what a person typed is quoted.
  const isQuoted = isQuotable(mistake) && values?.expected === undefined;
  return `${t(`problem.${code}`, values)}${isQuoted ? ` ("${found}")` : ""}${asked}`;
}

export function questionPage(
  t: Translate,
  question: Question,
  error?: string,
  lines: readonly string[] = [],
  values: TextValues = {},
): Page {
  const key = `ask.${question.step}.${question.path}`;
  return {
    tag: question.tag,
    title: isTextKey(key) ? t(key, values) : question.tag,
    lines,
    error,
    keys: t("keys.question"),
    isDeliberate: question.isDeliberate ?? false,
  };
}

type Keys = Pick<Page, "keys" | "plainKeys">;

/** Keys to choose one of several. */
export function choiceKeys(t: Translate): Keys {
  return { keys: t("keys.choice"), plainKeys: t("keys.choice.plain") };
}

/** The same on a page without help. */
export function decideKeys(t: Translate): Keys {
  return { keys: t("keys.decide"), plainKeys: t("keys.decide.plain") };
}

/** Keys to mark rows. With ten or more, a number only moves to a row: its first digit must not mark one. */
export function severalKeys(t: Translate, rows: number): Keys {
  return {
    keys: t(rows < 10 ? "keys.several" : "keys.several.many"),
    plainKeys: t("keys.several.plain"),
  };
}

export function optionLabel(t: Translate, question: Question, value: string, isYesNo = false): string {
  const key =
    isYesNo || question.kind === "boolean"
      ? `option.${value}`
      : `option.${question.step}.${question.path}.${value}`;
  return isTextKey(key) ? t(key) : value;
}

/** `words`: the text from the person who prepared the card. */
export function helpPage(t: Translate, question: Question, words: readonly string[] = []): Page {
  const about = ({ step, path }: Question) => {
    const key = `help.${step}.${path}`;
    return isTextKey(key) ? t(key) : "";
  };
  const each = (question.members ?? []).flatMap((member) => [
    "",
    `${questionLabel(t, member)}: ${about(member)}`,
  ]);
  return {
    tag: `help/${question.tag}`,
    title: about(question),
    lines: [...each, "", t("help.commands"), ...(words.length ? ["", ...words] : []), "", t("press-enter")],
    more: t("more"),
  };
}

export function logPage(t: Translate, lines: readonly string[]): Page {
  // The date is the same in all of them: the time is enough. One line each, cut at the margin.
  const short = lines.map((line) => line.replace(/^\d+-\d+-\d+T(\d+:\d+:\d+)\S*/, "$1").slice(0, 78));
  return { tag: "log", title: t("log.title"), lines: [...short, "", t("press-enter")], more: t("more") };
}

/** The choices below list what is going to be done: one line for each step. */
export function reviewPage(t: Translate): Page {
  return { tag: "review", title: t("review.title"), ...decideKeys(t), isDeliberate: true };
}

/** Apply, each step as a choice to change it, and the page of details. */
export function reviewOptions(t: Translate, context: SetupContext, steps: readonly Step[]): Option[] {
  return [
    { value: "apply", label: t("review.apply") },
    ...steps.map((step) => ({ value: `edit ${step.id}`, label: stepSummary(t, context, step, OPTION) })),
    { value: "detail", label: t("review.detail") },
  ];
}

/** "System: can-bruixa, anna, Europe/Madrid, password: given". If too wide, answers are cut, not secrets. */
export function stepSummary(
  t: Translate,
  context: SetupContext,
  step: Step,
  width = Number.POSITIVE_INFINITY,
): string {
  const answers = context.answers[step.id] ?? {};
  const own = step.summary?.(answers, t);
  const rows = answeredQuestions(context, step);
  const plain = rows.filter(({ question }) => question.kind !== "secret");
  const secrets = rows.filter(({ question, value }) => question.kind === "secret" && value);
  const words =
    own === undefined ? plain.map(({ question, value }) => shortValue(t, question, value)) : [own];
  const providedSecrets = secrets.map(
    ({ question }) => `, ${t("review.secret", { label: questionLabel(t, question).toLowerCase() })}`,
  );
  const name = `${stepName(t, step.id)}: `;
  const last = providedSecrets.join("");
  const first = words.filter(Boolean).join(", ");
  if (first === "") return `${name}${last.slice(2) || t("review.none")}`;
  return cut(
    `${cut(`${name}${first}`, Math.max(name.length + SHORTEST, width - last.length))}${last}`,
    width,
  );
}

export function reviewDetailPage(
  t: Translate,
  context: SetupContext,
  steps: readonly Step[],
  image: ImageInfo,
): Page {
  const rows = steps.map((step) => [
    stepName(t, step.id),
    ...answeredQuestions(context, step).map(({ question, value }) =>
      // One line each: a column of values is easier to check than whole values.
      cut(`  ${questionLabel(t, question).padEnd(18)} ${shownValue(t, question, value)}`, ROW),
    ),
    ...(step.reviewNotes?.(context.answers[step.id] ?? {}, t, image) ?? []).map((note) => `  ${note}`),
  ]);
  return {
    tag: "review/detail",
    title: t("review.detail"),
    lines: [
      ...rows.filter((lines) => lines.length > 1).flatMap((lines) => ["", ...lines]),
      "",
      t("press-enter"),
    ],
    more: t("more"),
  };
}

/** A step's name as a heading, without an article. */
export function stepName(t: Translate, id: string): string {
  const key = `step-name.${id}`;
  return isTextKey(key) ? t(key) : id;
}

interface AnsweredQuestion {
  readonly question: Question;
  readonly value: Value;
}

function answeredQuestions(context: SetupContext, step: Step): AnsweredQuestion[] {
  const answers = context.answers[step.id] ?? {};
  return questionsOf(step)
    .filter((question) => isAsked(question, answers, { defaults: {} }))
    .flatMap((question) => {
      const isGiven = context.providedSecrets.includes(`${step.id}.${question.path}`);
      const value = question.kind === "secret" ? isGiven || null : getAnswer(answers, question.path);
      return value === undefined ? [] : [{ question, value }];
    });
}

export function questionLabel(t: Translate, { step, path }: Question): string {
  const key = `label.${step}.${path}`;
  return isTextKey(key) ? t(key) : path;
}

/** A text value is clear without its label; yes and no are not. */
function shortValue(t: Translate, question: Question, value: Value): string {
  if (Array.isArray(value) && value.length === 0) return "";
  const shown = shownValue(t, question, value);
  return question.kind === "boolean" || question.kind === "list"
    ? `${questionLabel(t, question)}: ${shown}`
    : shown;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 3).trimEnd()}...` : text;
}

function shownValue(t: Translate, question: Question, value: Value): string {
  if (question.kind === "secret") return t(value ? "review.given" : "review.none");
  if (Array.isArray(value)) {
    const items = value.map((item) => shortKey(String(item)));
    return items.length ? items.join(", ") : t("review.none");
  }
  // Some values of a question with choices or text have texts of their own, such as "auto".
  return optionLabel(t, question, String(value));
}

/** An SSH key as its type and comment; other list items unchanged. */
function shortKey(item: string): string {
  const [type = "", blob = "", ...comment] = item.split(" ");
  return blob ? `${type} ...${blob.slice(-8)} ${comment.join(" ")}`.trim() : item;
}

export function failurePage(t: Translate, trouble: Trouble | null, step: string): Page {
  const { code = "unexpected", hint }: Partial<Trouble> = trouble ?? {};
  const found = foundSentence(t, trouble ?? {});
  const hintKey = `trouble.${code}.hint`;
  return {
    tag: "error",
    token: `${step} ${code}`,
    title: trouble ? troubleSentence(t, trouble) : "",
    lines: [
      ...(found ? foundLines(t, found) : []),
      ...(isTextKey(hintKey) ? ["", t(hintKey)] : hint ? ["", hint] : []),
    ],
    ...choiceKeys(t),
    isDeliberate: true,
  };
}

/** The text may have several lines; those after the first are indented. */
function foundLines(t: Translate, said: string): string[] {
  const [first = "", ...more] = said.split("\n");
  return [t("failed.found", { found: first }), ...more.map((line) => `     ${printable(line)}`)];
}

/** What each of the choices after a failure means. */
export function failureHelpPage(t: Translate, trouble: Trouble | null): Page {
  return {
    tag: "help/error",
    title: trouble ? troubleSentence(t, trouble) : "",
    lines: ["", t("help.failure"), "", t("press-enter")],
    more: t("more"),
  };
}

export function troubleSentence(t: Translate, { code, what }: Trouble): string {
  const key = `trouble.${code}`;
  return isTextKey(key) ? t(key) : what;
}

export interface DoneDetails {
  readonly summary: Summary;
  readonly warnings: readonly Warning[];
  /** Names of the steps with a result on this box. */
  readonly works: readonly string[];
  /** Shown once, only to the person who finishes. */
  readonly handedOver?: readonly GeneratedCredential[];
}

export function donePage(t: Translate, { summary, warnings, works, handedOver = [] }: DoneDetails): Page {
  const { hostname, owner, addresses, fingerprints } = summary;
  return {
    tag: "done",
    token: "Set-up is complete",
    title: t("done.title", { hostname }),
    lines: [
      ...(addresses.length ? [t("done.reach")] : [t("done.no-address")]),
      ...addresses.map((address) => `  ssh ${owner}@${address}`),
      t("done.fingerprints"),
      ...fingerprints.map((print) => `  ${print}`),
      ...(works.length ? [t("done.works", { steps: works.map((id) => stepName(t, id)).join(", ") })] : []),
      t("done.status"),
      ...warningLines(t, warnings),
      ...handedLines(t, handedOver),
    ],
    more: t("more"),
  };
}

/** The end of one step that was set up again. */
export function stepDonePage(
  t: Translate,
  id: string,
  warnings: readonly Warning[],
  handedOver: readonly GeneratedCredential[],
): Page {
  const isPassed = warnings.some(({ code }) => code === `${id}-passed`);
  return {
    tag: "done",
    token: isPassed ? `${id} passed over` : `${id} is set up`,
    title: isPassed
      ? t("done.step-passed", { step: stepName(t, id) })
      : t("done.step", { step: stepName(t, id) }),
    lines: [
      ...warningLines(t, warnings),
      ...handedLines(t, handedOver),
      t("done.step-status", { command: `cbox ${id}` }),
    ],
    more: t("more"),
  };
}

/** Each with the command that repairs it, if a step was skipped and its sentence does not name the command. */
function warningLines(t: Translate, warnings: readonly Warning[]): string[] {
  return warnings.flatMap((warning) => {
    const { code, step } = warning;
    const text = warningText(t, warning);
    const isPassed = step !== undefined && code === `${step}-passed`;
    if (!isPassed || text.includes(`cbox ${step} setup`)) return [`! ${text}`];
    return [`! ${text}`, `    ${t("done.later", { command: `sudo cbox ${step} setup` })}`];
  });
}

export function handedLines(t: Translate, handedOver: readonly GeneratedCredential[]): string[] {
  if (handedOver.length === 0) return [];
  return [t("done.handed-over"), ...handedOver.map(({ key, values }) => `  ${t(key, values)}`)];
}

/** What a skipped step lacks, and why. */
export function warningText(t: Translate, { code, values }: Warning): string {
  const key: string = `warning.${code}`;
  const text = isTextKey(key) ? t(key, values) : printable(code);
  return values?.reason === undefined ? text : `${text} ${reasonText(t, String(values.reason))}`;
}

/** `reason`: the code of a trouble or of a person's decision. A code without a text is shown as it is. */
function reasonText(t: Translate, reason: string): string {
  const key = [`reason.${reason}`, `trouble.${reason}`].find(isTextKey);
  return key ? t(key) : `(${printable(reason)})`;
}
