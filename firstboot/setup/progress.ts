// SPDX-License-Identifier: GPL-3.0-or-later
// The lines that a person sees while the steps are applied: a heading for each step, and below it what is done and how it
// went.

import type { TextKey, TextValues } from "../i18n/translate.ts";

export interface Progress {
  readonly key: TextKey;
  readonly values: TextValues;
  /** Takes the place of the line before it where the terminal can. */
  readonly transient: boolean;
  /** A heading: this step begins. */
  readonly step?: string;
  /** Seconds that the command behind this line has taken so far, once that is worth saying. */
  readonly waited?: number;
  /** How it went, once that is known. */
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

  /** The line before it has gone well, or was only there until this one came. */
  add(key: TextKey, values: TextValues, transient: boolean): void {
    if (this.#lines.at(-1)?.transient) this.#lines.pop();
    else this.close("ok");
    this.#lines.push({ key, values, transient });
  }

  /** Says how long the last line has taken. A count-down says itself that time passes. Returns whether it did. */
  wait(waited: number): boolean {
    const line = this.#lines.at(-1);
    if (!line || line.transient || line.result) return false;
    this.#lines = [...this.#lines.slice(0, -1), { ...line, waited }];
    return true;
  }

  /** How the last line went; a heading has no result. */
  close(result: NonNullable<Progress["result"]>): void {
    const line = this.#lines.at(-1);
    if (!line || line.step !== undefined || line.result) return;
    this.#lines = [...this.#lines.slice(0, -1), { ...line, result }];
  }
}
