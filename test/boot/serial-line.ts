// SPDX-License-Identifier: GPL-3.0-or-later
// A box's serial line as a person uses it: reads the output, and types.
import type { Readable, Writable } from "node:stream";

/** What a real terminal of 80 by 24 answers when it is asked where the cursor is (ESC[6n). */
const CURSOR_ANSWER = "\x1b[24;80R";
const KEYS = {
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  enter: "\r",
  escape: "\x1b",
} as const;
export type Key = keyof typeof KEYS;

const LINES_SHOWN = 40;
// Colours, cursor movements and titles; what is left is text, also when lines are painted one over the other.
const CONTROL =
  /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[PX^_\]].*?(?:\x07|\x1b\\)|\x1b[()*+#].|\x1b[78=>cDEHM]|[\x00\x07\x08\r]/gs;
/** A sequence that has only begun, at the end of what was read so far. */
const UNFINISHED = /\x1b(?:\[[0-9;?]*[ -/]*|[PX^_\]][^\x07]{0,200}|[()*+#])?$/;

export type Terminal = "dumb" | "rich";

export interface ExpectOptions {
  readonly timeoutMs: number;
}

export class SerialLine {
  #output: Writable | undefined;
  #pending = "";
  #text = "";
  #cursor = 0;
  #onText = new Set<() => void>();
  #ended: string | undefined;
  terminal: Terminal = "dumb";
  /** Gets everything as it comes, control sequences included. */
  recording: { output(text: string): void } | undefined;

  /** Connects the line to a machine that was just switched on. */
  connect(input: Readable, output: Writable): void {
    this.#output = output;
    this.#ended = undefined;
    input.setEncoding("utf8");
    input.on("data", (chunk: string) => this.#read(chunk));
  }

  /** The machine has ended: every wait for text fails. */
  disconnect(reason: string): void {
    this.#output?.destroy();
    this.#output = undefined;
    this.#ended = reason;
    for (const look of this.#onText) look();
  }

  /** Everything that ever appeared, without control sequences. */
  get transcript(): string {
    return this.#text;
  }

  /** Its last lines, for people who look for what went wrong. */
  get tail(): string {
    return this.#text.split("\n").slice(-LINES_SHOWN).join("\n");
  }

  /**
   * Waits until the text after the last match matches, and moves on to behind it.
   * @throws Error with the last lines of the transcript, when the time is over or the machine has ended.
   */
  expect(pattern: RegExp, { timeoutMs }: ExpectOptions): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#onText.delete(look);
        finish();
      };
      const look = () => {
        const match = pattern.exec(this.#text.slice(this.#cursor));
        if (match) {
          this.#cursor += match.index + match[0].length;
          settle(() => resolve(match));
        } else if (this.#ended !== undefined) {
          settle(() => reject(this.#complaint(pattern, this.#ended!)));
        }
      };
      const timer = setTimeout(
        () =>
          settle(() => reject(this.#complaint(pattern, `nothing of the kind within ${timeoutMs / 1000} s`))),
        timeoutMs,
      );
      this.#onText.add(look);
      look();
    });
  }

  /** Types a line and presses Enter. */
  type(line: string): void {
    this.send(`${line}\r`);
  }

  key(key: Key): void {
    this.send(KEYS[key]);
  }

  send(bytes: string): void {
    if (!this.#output) throw new Error("The box is switched off: nobody reads what is typed.");
    this.#output.write(bytes);
  }

  #read(chunk: string): void {
    this.recording?.output(chunk);
    const raw = this.#pending + chunk;
    const unfinished = UNFINISHED.exec(raw);
    this.#pending = unfinished?.[0] ?? "";
    const whole = raw.slice(0, raw.length - this.#pending.length);
    if (this.terminal === "rich") {
      for (const _ of whole.matchAll(/\x1b\[6n/g)) this.#output?.write(CURSOR_ANSWER);
    }
    this.#text += whole.replace(CONTROL, "");
    for (const look of this.#onText) look();
  }

  #complaint(pattern: RegExp, reason: string): Error {
    return new Error(`On the serial line ${pattern} was expected: ${reason}.\nIts last lines:\n${this.tail}`);
  }
}
