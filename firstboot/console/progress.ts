// SPDX-License-Identifier: GPL-3.0-or-later
// Shows the lines of progress on one terminal, each once; a count-down in place, or now and then on a dumb one.

import type { Progress, Walk } from "../walk.ts";
import { translate } from "./ask-step.ts";
import type { Terminal } from "./terminal.ts";

/** Seconds between two lines of a count-down where lines cannot be replaced. */
const DUMB_INTERVAL = 5;

const views = new WeakMap<Terminal, ProgressView>();

export class ProgressView {
  readonly #terminal: Terminal;
  readonly #walk: Walk;
  #shown: readonly Progress[] = [];

  /** One view for each terminal: a line is not shown again because the state changed. */
  static of(terminal: Terminal, walk: Walk): ProgressView {
    const view = views.get(terminal) ?? new ProgressView(terminal, walk);
    views.set(terminal, view);
    return view;
  }

  private constructor(terminal: Terminal, walk: Walk) {
    this.#terminal = terminal;
    this.#walk = walk;
  }

  update(): void {
    const lines = this.#walk.progress;
    if (lines.length > 0 && lines[0] !== this.#shown[0]) this.redraw();
    for (const [index, line] of lines.entries()) {
      if (line === this.#shown[index]) continue;
      if (this.#isWorthALine(line)) this.#show(line, this.#shown[index]?.transient ?? false);
    }
    this.#shown = [...lines];
  }

  redraw(): void {
    const t = translate(this.#walk);
    this.#shown = [];
    this.#terminal.show({ tag: "apply", title: t("apply.title"), keys: t("keys.apply") });
  }

  #show({ key, values }: Progress, replace: boolean): void {
    this.#terminal.line(`[apply] ${translate(this.#walk)(key, values)}`, { replace });
  }

  #isWorthALine({ transient, values }: Progress): boolean {
    if (!transient || this.#terminal.isRich || typeof values.seconds !== "number") return true;
    return values.seconds % DUMB_INTERVAL === 0;
  }
}
