// SPDX-License-Identifier: GPL-3.0-or-later
// Shows each line of progress once on a terminal; a count-down in place, or at intervals on a dumb terminal.

import type { Translate } from "../i18n/translate.ts";
import type { Progress } from "../setup/progress.ts";
import type { SetupRunner } from "../setup/runner.ts";
import { translate } from "./conversation.ts";
import { stepName } from "./pages.ts";
import type { Terminal } from "./terminal.ts";

/** Seconds between two lines of a count-down where lines cannot be replaced. */
const DUMB_INTERVAL = 5;
/** The same for a command that takes long. */
const DUMB_WAIT = 30;
/** Lines that are shown again after another page, such as the log. */
const REDRAWN = 16;

const views = new WeakMap<Terminal, ProgressView>();

export class ProgressView {
  readonly #terminal: Terminal;
  readonly #runner: SetupRunner;
  #shown: readonly Progress[] = [];

  /** One view for each terminal, so that a line is not shown again when the state changes. */
  static of(terminal: Terminal, runner: SetupRunner): ProgressView {
    const view = views.get(terminal) ?? new ProgressView(terminal, runner);
    views.set(terminal, view);
    return view;
  }

  private constructor(terminal: Terminal, runner: SetupRunner) {
    this.#terminal = terminal;
    this.#runner = runner;
  }

  update(): void {
    const lines = this.#runner.progress;
    if (lines.length > 0 && lines[0] !== this.#shown[0]) this.#showPage();
    this.#print(lines);
  }

  /** Shows the page again, with as many of its lines as fit. */
  redraw(): void {
    this.#showPage();
    const lines = this.#runner.progress;
    // Lines that are not shown again count as shown.
    this.#shown = lines.slice(0, Math.max(0, lines.length - REDRAWN));
    this.#print(lines);
  }

  #print(lines: readonly Progress[]): void {
    for (const [index, line] of lines.entries()) {
      const before = this.#shown[index];
      if (line === before) continue;
      const isSame = before?.values === line.values && before.key === line.key;
      const isShown = isSame && before.waited === line.waited && this.#isWorthALine(before);
      if (isSame && before.waited !== line.waited) this.#showWait(line);
      else if (!isShown && this.#isWorthALine(line)) this.#begin(line, before?.transient ?? false);
      if (line.result) this.#terminal.end(translate(this.#runner)(`result.${line.result}`));
    }
    this.#shown = [...lines];
  }

  #showPage(): void {
    const t = translate(this.#runner);
    this.#shown = [];
    this.#terminal.show({ tag: "apply", title: t("apply.title"), keys: t("keys.apply") });
  }

  #begin(line: Progress, replace: boolean): void {
    const text = `[apply] ${progressText(translate(this.#runner), line)}`;
    if (line.step === undefined) this.#terminal.begin(text, { replace });
    else this.#terminal.line(text);
  }

  /** The same line with its seconds, in place if the terminal can; on a dumb one rarely, because each adds a line. */
  #showWait(line: Progress): void {
    const { waited = 0 } = line;
    if (!this.#terminal.isRich && waited % DUMB_WAIT >= DUMB_INTERVAL) return;
    const text = line.step === undefined ? progressText(translate(this.#runner), line) : "...";
    this.#terminal.begin(`[apply] ${text} (${waited} s)`, { replace: true });
  }

  #isWorthALine({ transient, values, result }: Progress): boolean {
    if (!transient || result || this.#terminal.isRich || typeof values.seconds !== "number") return true;
    return values.seconds % DUMB_INTERVAL === 0;
  }
}

export function progressText(t: Translate, { key, values, step }: Progress): string {
  return t(key, step === undefined ? values : { ...values, step: stepName(t, step) });
}
