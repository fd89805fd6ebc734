// SPDX-License-Identifier: GPL-3.0-or-later
// The pages of the wizard as plain data, so that tests can lay each of them out at 80x24 in every language.

import { isTextKey, languages, type Translate, translator } from "../i18n.ts";
import type { WalkContext } from "../machine.ts";
import { isQuotable, type Problem } from "../problems.ts";
import { getAnswer, isAsked, type Question, questionsOf } from "../questions.ts";
import type { Step, Value, Warning } from "../steps/step.ts";
import type { Summary } from "../summary.ts";
import type { Trouble } from "../trouble.ts";
import { HEADING, type Page } from "./terminal.ts";

/** Columns of a row that must not wrap. */
const ROW = 78;

/** Nobody has begun, so nobody has chosen a language: all of them say how to begin. */
export function welcomePage(version: string, title: string, isResumed: boolean, note?: string): Page {
  const all = languages.map(translator);
  return {
    tag: "welcome",
    title: `${HEADING}  ${version}`,
    lines: [
      title,
      "",
      ...(isResumed ? all.map((t) => t("welcome.resumed")) : all.map((t) => t("welcome.purpose"))),
      ...(note ? ["", note] : []),
      "",
      ...all.map((t) => t("welcome.begin")),
    ],
  };
}

export function busyPage(t: Translate, holder: string): Page {
  return { tag: "busy", title: t("busy.title", { console: holder }), lines: ["", t("busy.take-over")] };
}

export function refusedPage(t: Translate, problems: readonly Problem[]): Page {
  // 16 lines have to be enough; the report has all.
  const shown = problems.slice(0, 8);
  return {
    tag: "answers-refused",
    token: "Nothing was changed.",
    title: t("refused.title"),
    lines: [
      ...shown.map((each) => `- ${each.field ? `${each.field}: ` : ""}${problemSentence(t, each)}`),
      ...(problems.length > shown.length
        ? [t("refused.more", { count: problems.length - shown.length })]
        : []),
      "",
      t("refused.what-now"),
      ...languages.map((language) => translator(language)("welcome.begin")),
    ],
  };
}

export function problemSentence(t: Translate, mistake: Problem): string {
  const { code, found, values } = mistake;
  const suggestion = values?.suggestion;
  const asked = typeof suggestion === "string" ? ` ${t("did-you-mean", { suggestion })}` : "";
  // Schema errors carry what was found in words already; what a person typed is quoted.
  const isQuoted = isQuotable(mistake) && values?.expected === undefined;
  return `${t(`problem.${code}`, values)}${isQuoted ? ` ("${found}")` : ""}${asked}`;
}

export function questionPage(
  t: Translate,
  question: Question,
  error?: string,
  lines: readonly string[] = [],
): Page {
  const key = `ask.${question.step}.${question.path}`;
  return {
    tag: question.tag,
    title: isTextKey(key) ? t(key) : question.tag,
    lines,
    error,
    keys: t("keys.question"),
  };
}

export function optionLabel(t: Translate, question: Question, value: string, isYesNo = false): string {
  const key =
    isYesNo || question.kind === "boolean"
      ? `option.${value}`
      : `option.${question.step}.${question.path}.${value}`;
  return isTextKey(key) ? t(key) : value;
}

export function helpPage(t: Translate, question: Question): Page {
  const key = `help.${question.step}.${question.path}`;
  return {
    tag: `help/${question.tag}`,
    title: isTextKey(key) ? t(key) : "",
    lines: ["", t("help.commands"), "", t("press-enter")],
  };
}

export function logPage(t: Translate, lines: readonly string[]): Page {
  // The clock's date is the same in all of them: the time is enough. One line each, cut at the margin.
  const short = lines.map((line) => line.replace(/^\d+-\d+-\d+T(\d+:\d+:\d+)\S*/, "$1").slice(0, 78));
  return { tag: "log", title: t("log.title"), lines: [...short, "", t("press-enter")] };
}

export function reviewPage(t: Translate, context: WalkContext, steps: readonly Step[]): Page {
  return {
    tag: "review",
    title: t("review.title"),
    lines: steps.flatMap((step) => reviewLines(t, context, step)),
    keys: t("keys.decide"),
  };
}

function reviewLines(t: Translate, context: WalkContext, step: Step): string[] {
  const answers = context.answers[step.id] ?? {};
  return questionsOf(step)
    .filter((question) => isAsked(question, answers, { defaults: {} }))
    .flatMap((question) => {
      const key = `label.${step.id}.${question.path}`;
      const isGiven = context.given.includes(`${step.id}.${question.path}`);
      const value = question.kind === "secret" ? isGiven || null : getAnswer(answers, question.path);
      if (value === undefined) return [];
      const row = `  ${(isTextKey(key) ? t(key) : question.path).padEnd(18)} ${shownValue(t, question, value)}`;
      // One line each, or the page would not fit the screen.
      return [row.length > ROW ? `${row.slice(0, ROW - 3)}...` : row];
    });
}

function shownValue(t: Translate, question: Question, value: Value): string {
  if (question.kind === "secret") return t(value ? "review.given" : "review.none");
  if (Array.isArray(value)) {
    const items = value.map((item) => shortKey(String(item)));
    return items.length ? items.join(", ") : t("review.none");
  }
  return question.choices.length || question.kind === "boolean"
    ? optionLabel(t, question, String(value))
    : String(value);
}

/** An SSH key by its kind and comment; other list items as they are. */
function shortKey(item: string): string {
  const [type = "", blob = "", ...comment] = item.split(" ");
  return blob ? `${type} ...${blob.slice(-8)} ${comment.join(" ")}`.trim() : item;
}

export function failurePage(t: Translate, trouble: Trouble | null, step: string): Page {
  const { code = "unexpected", found, hint }: Partial<Trouble> = trouble ?? {};
  const hintKey = `trouble.${code}.hint`;
  return {
    tag: "error",
    token: `${step} ${code}`,
    title: trouble ? troubleSentence(t, trouble) : "",
    lines: [
      ...(found ? [t("failed.found", { found })] : []),
      ...(isTextKey(hintKey) ? ["", t(hintKey)] : hint ? ["", hint] : []),
    ],
    keys: t("keys.decide"),
  };
}

export function troubleSentence(t: Translate, { code, what }: Trouble): string {
  const key = `trouble.${code}`;
  return isTextKey(key) ? t(key) : what;
}

export function donePage(t: Translate, summary: Summary, warnings: readonly Warning[]): Page {
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
      ...warnings.map((warning) => `! ${warningText(t, warning)}`),
      t("done.status"),
    ],
  };
}

export function warningText(t: Translate, { code, values }: Warning): string {
  const key: string = `warning.${code}`;
  return isTextKey(key) ? t(key, values) : code;
}
