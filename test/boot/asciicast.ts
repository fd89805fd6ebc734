// SPDX-License-Identifier: GPL-3.0-or-later
// Writes what appears on a terminal of 80 by 24 as an asciicast, version 2: a line about the terminal, then one line
// for each piece of output with its time. `asciinema play FILE` shows it. Each piece is written at once, so that the
// recording of a failed test ends where the test did.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir } from "../../image/cache/directory.ts";

/** Players pass over longer pauses: an emulated box has many. */
const LONGEST_PAUSE_S = 2;

export class Asciicast {
  readonly #path: string;
  readonly #now: () => number;
  readonly #start: number;

  /** Begins the file anew. `now` is a clock in milliseconds. */
  constructor(path: string, title: string, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#now = now;
    this.#start = now();
    mkdirSync(dirname(path), { recursive: true });
    const header = { version: 2, width: 80, height: 24, title, idle_time_limit: LONGEST_PAUSE_S };
    writeFileSync(path, `${JSON.stringify(header)}\n`);
  }

  /** Adds what has just appeared. */
  output(text: string): void {
    const seconds = Number(((this.#now() - this.#start) / 1000).toFixed(6));
    appendFileSync(this.#path, `${JSON.stringify([seconds, "o", text])}\n`);
  }
}

/** Where tests leave their recordings. */
export function recordingPath(name: string): string {
  return join(cacheDir(), "recordings", `${name}.cast`);
}
