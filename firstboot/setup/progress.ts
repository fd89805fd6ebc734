// SPDX-License-Identifier: GPL-3.0-or-later
// The lines shown while the steps are applied: a heading for each step, and below it each action with its result.

import type { TextKey, TextValues } from "../i18n/translate.ts";

export interface Progress {
  readonly key: TextKey;
  readonly values: TextValues;
  /** Replaced by the next line where the terminal can do that. */
  readonly transient: boolean;
  /** A heading: this step begins. */
  readonly step?: string;
  /** Seconds that the command of this line has taken so far, once it takes long. */
  readonly waited?: number;
  /** The result, once it is known. */
  readonly result?: "ok" | "failed" | "passed";
}

export class ProgressLines {
  #lines: Progress[] = [];

  /** Since applying began. */
  get lines(): readonly Progress[] {
    return this.#lines;
  }

  clear(): void {
    this.#lines = [];
  }

  /** `number` of `total`, from 1. */
  openStep(step: string, number: number, total: number): void {
    this.#lines.push({ key: "apply.step", values: { number, total }, transient: false, step });
  }

  /** Closes the previous line as done; a transient one is removed. */
  add(key: TextKey, values: TextValues, transient: boolean): void {
    if (this.#lines.at(-1)?.transient) this.#lines.pop();
    else this.close("ok");
    this.#lines.push({ key, values, transient });
  }

  /** Shows how long the last line has taken. A count-down already shows the time. Returns whether it did. */
  wait(waited: number): boolean {
    const line = this.#lines.at(-1);
    if (!line || line.transient || line.result) return false;
    this.#lines = [...this.#lines.slice(0, -1), { ...line, waited }];
    return true;
  }

  /** Sets the result of the last line; a heading has none. */
  close(result: NonNullable<Progress["result"]>): void {
    const line = this.#lines.at(-1);
    if (!line || line.step !== undefined || line.result) return;
    this.#lines = [...this.#lines.slice(0, -1), { ...line, result }];
  }
}
