// SPDX-License-Identifier: GPL-3.0-or-later
// Decodes the bytes of a terminal into keys. node:readline has a decoder, but not for the cursor position report that
// tells a capable terminal from a dumb one.

import { StringDecoder } from "node:string_decoder";

export type KeyName =
  | "text"
  | "enter"
  | "backspace"
  | "delete"
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "escape"
  | "redraw"
  | "clear"
  | "report";

export interface Key {
  readonly name: KeyName;
  /** The character typed; only with "text". */
  readonly text?: string;
  /** When it arrived, in milliseconds of this process's clock. */
  readonly at?: number;
}

/** After ESC [ or ESC O; both are in use for the same keys. */
const SEQUENCES: Record<string, KeyName> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  "1~": "home",
  "3~": "delete",
  "4~": "end",
  "7~": "home",
  "8~": "end",
};

const CONTROLS: Record<string, KeyName> = {
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x01": "home",
  "\x05": "end",
  "\x0c": "redraw",
  "\x03": "clear",
  "\x15": "clear",
};

export interface Decoded {
  readonly keys: readonly Key[];
  /** An incomplete sequence that the next bytes may continue. */
  readonly rest: string;
}

/** `isLast`: no more bytes follow soon, so a lone ESC is the Escape key. */
export function decodeKeys(input: string, isLast = false): Decoded {
  const keys: Key[] = [];
  let at = 0;
  while (at < input.length) {
    const sign = String.fromCodePoint(input.codePointAt(at) ?? 0);
    if (sign === "\x1b") {
      const sequence = /^\x1b(?:\[([0-9;?]*)([@-~])|O([A-Z]))/.exec(input.slice(at));
      if (sequence) {
        const [all, parameters = "", final = "", application] = sequence;
        const name = nameOf(parameters, application ?? final);
        if (name) keys.push({ name });
        at += all.length;
        continue;
      }
      if (/^\x1b(\[[0-9;?]*|O)?$/.test(input.slice(at)) && !isLast) break;
      keys.push({ name: "escape" });
      at += 1;
      continue;
    }
    at += sign.length;
    // Carriage return and newline together are one Enter.
    if (sign === "\r" && input[at] === "\n") at += 1;
    const control = CONTROLS[sign];
    if (control) keys.push({ name: control });
    else if (sign >= " " && !(sign >= "\x80" && sign < "\xa0")) keys.push({ name: "text", text: sign });
  }
  return { keys, rest: input.slice(at) };
}

function nameOf(parameters: string, final: string): KeyName | undefined {
  if (final === "R" && /^\d+;\d+$/.test(parameters)) return "report";
  if (final === "~") return SEQUENCES[`${parameters}~`];
  return SEQUENCES[final];
}

/** How long a lone ESC waits for the rest of a sequence, in milliseconds: two bytes at 9600 baud, and some margin. */
const ESCAPE_WAIT = 80;
/** After this many milliseconds a single b is not the beginning of a word. */
const ALONE_WAIT = 700;
/** An Enter within this many milliseconds after a one-key command belongs to that command. */
const TOGETHER = 600;

/** A queue of keys, so that keys typed ahead are not lost. */
export class KeyQueue {
  readonly #decoder = new StringDecoder("utf8");
  readonly #keys: Key[] = [];
  #rest = "";
  /** When the last one-key command arrived. */
  #commandAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void) | undefined;

  push(bytes: Uint8Array): void {
    clearTimeout(this.#timer);
    this.#take(decodeKeys(this.#rest + this.#decoder.write(Buffer.from(bytes))));
    if (this.#rest) this.#timer = setTimeout(() => this.#take(decodeKeys(this.#rest, true)), ESCAPE_WAIT);
  }

  /** The next key; undefined when `signal` is aborted first. */
  async next(signal: AbortSignal): Promise<Key | undefined> {
    for (;;) {
      while (this.#keys.length === 0 && !signal.aborted) await this.#more(signal);
      if (signal.aborted) return undefined;
      const key = this.#keys.shift();
      const since = (key?.at ?? 0) - (this.#commandAt ?? Number.NEGATIVE_INFINITY);
      this.#commandAt = undefined;
      if (key?.name !== "enter" || since > TOGETHER) return key;
    }
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  /** This key was a command by itself. An Enter that follows out of habit must not answer the next page. */
  endCommand({ at }: Key): void {
    this.#commandAt = at;
  }

  /** Drops all keys typed so far, including those that the terminal buffers for this process. */
  async drop(): Promise<void> {
    // In each turn the event loop reads what has arrived.
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    this.#keys.length = 0;
    this.#commandAt = undefined;
  }

  /** Removes the first key of this name from the queue. */
  takeOut(name: KeyName): boolean {
    const index = this.#keys.findIndex((key) => key.name === name);
    if (index >= 0) this.#keys.splice(index, 1);
    return index >= 0;
  }

  /**
   * Resolves to true when the person wants to stop waiting: Ctrl-C, Escape, or b alone. Those keys are removed; all
   * others stay for the next question. False: `signal` was aborted first.
   */
  async cancelled(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const names = this.#keys.map(({ name, text }) => text ?? name);
      const stop = Math.max(names.lastIndexOf("clear"), names.lastIndexOf("escape"));
      if (stop >= 0) return this.#keys.splice(0, stop + 1).length > 0;
      const isAlone = names[0] === "b" && (names.length === 1 || names[1] === "enter");
      if (isAlone && names.length > 1) return this.#keys.splice(0, 2).length > 0;
      // Enter may follow, or the rest of a word that was typed ahead.
      const isQuiet = !(await this.#more(signal, isAlone ? ALONE_WAIT : undefined));
      if (isQuiet && isAlone && !signal.aborted) return this.#keys.splice(0, 1).length > 0;
    }
    return false;
  }

  /** Waits for another key. False: none came within `milliseconds`, or `signal` was aborted. */
  async #more(signal: AbortSignal, milliseconds?: number): Promise<boolean> {
    const before = this.#keys.length;
    const { promise, wake } = alarm();
    this.#waiting = wake;
    signal.addEventListener("abort", wake);
    const timer = milliseconds === undefined ? undefined : setTimeout(wake, milliseconds);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
    return this.#keys.length > before;
  }

  #take({ keys, rest }: Decoded): void {
    this.#rest = rest;
    const at = performance.now();
    this.#keys.push(...keys.map((key) => ({ ...key, at })));
    if (keys.length) this.#waiting?.();
  }
}

function alarm(): { promise: Promise<void>; wake: () => void } {
  let wake = () => {};
  const promise = new Promise<void>((resolve) => {
    wake = () => resolve();
  });
  return { promise, wake };
}
