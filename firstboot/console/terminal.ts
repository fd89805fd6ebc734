// SPDX-License-Identifier: GPL-3.0-or-later
// One terminal, capable or dumb. Capable: the screen is cleared, a line can be edited. Dumb: plain lines with only CR
// LF. Both show the same pages and give the same replies.

import { setTimeout as delay } from "node:timers/promises";
import { printable } from "../../common/printable.ts";
import { toAscii, wrap } from "./ascii.ts";
import { type Key, KeyQueue } from "./keys.ts";

/** What a terminal is connected to. */
export interface Port {
  /** For people: "ttyS0". */
  readonly name: string;
  /** A screen of the box with its keyboard; otherwise a serial line. */
  readonly isScreen?: boolean;
  write(text: string): void;
}

export interface Page {
  /** Stable name of the page, for support by telephone and for tests: "system/language". */
  readonly tag: string;
  /** Stable text after the tag, the same in every language. */
  readonly token?: string;
  readonly title: string;
  readonly lines?: readonly string[];
  /** What went wrong with the last try. */
  readonly error?: string | undefined;
  /** The line of keys at the bottom. */
  readonly keys?: string;
  /** The same on a terminal without arrows, where it differs. */
  readonly plainKeys?: string;
  /** Keys typed before the page is shown do not answer it: for a confirmation, or something irreversible. */
  readonly isDeliberate?: boolean;
  /** Shown below a part of a page that does not fit the screen: how to see the rest. */
  readonly more?: string;
}

export type Command = "back" | "skip" | "log" | "help";
export type Reply = { readonly value: string } | { readonly command: Command };

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** The session has ended: the line was hung up, or another console took control. */
export class Gone extends Error {}

const WIDTH = 78;
const HEIGHT = 24;
/** Indent of continuation lines: text that a page quotes must not look like a line of its own. */
const GOES_ON = "  ";
/** Heading, rule and empty line above the page, an empty line below, and the cursor's line. */
const FRAME = 5;
export const COMMANDS: Record<string, Command> = { b: "back", s: "skip", l: "log", "?": "help" };
const CLEAR = "\x1b[2J\x1b[H";
const CLEAR_LINE = "\r\x1b[K";
/** How long the first page waits for a terminal to report its cursor position, in milliseconds. */
const PROBE_WAIT = 300;
export const HEADING = "Community Box set-up";

export class Terminal {
  readonly keys = new KeyQueue();
  readonly port: Port;
  isRich = false;
  /** Length of the unfinished line. */
  #open: number | undefined;
  /** Notes to be shown above the next page, since a capable terminal clears the screen for it. */
  #notes: { readonly lines: string[]; tag?: string } = { lines: [] };

  constructor(port: Port) {
    this.port = port;
  }

  /** Requests the cursor position: a terminal that answers understands escape sequences. */
  async probe(): Promise<void> {
    this.keys.takeOut("report");
    this.port.write("\x1b[6n");
    for (let waited = 0; waited < PROBE_WAIT; waited += 20) {
      await delay(20);
      if (this.keys.takeOut("report")) {
        this.isRich = true;
        return;
      }
    }
    this.isRich = false;
    // Erases the four characters that a dumb terminal may have shown.
    this.port.write("\r    \r");
  }

  /** To be called before a page is first shown: a deliberate page must not be answered by keys typed ahead. */
  async prepare({ isDeliberate }: Page): Promise<void> {
    if (!isDeliberate) return;
    if (this.keys.takeOut("report")) this.isRich = true;
    await this.keys.drop();
  }

  show(page: Page): void {
    this.#finish();
    this.port.write(`${this.#render(page).join("\r\n")}\r\n`);
  }

  /** Prints one line below the others. */
  line(text: string): void {
    this.#finish();
    this.port.write(`${wrap(plain(text), WIDTH, "  ").join("\r\n")}\r\n`);
  }

  /** Starts a line that is finished later. `replace`: in place of the open one, where the terminal can. */
  begin(text: string, { replace = false } = {}): void {
    if (replace && this.isRich && this.#open !== undefined) this.port.write(CLEAR_LINE);
    else this.#finish();
    const lines = wrap(plain(text), WIDTH, "  ");
    this.port.write(lines.join("\r\n"));
    this.#open = lines.at(-1)?.length ?? 0;
  }

  /** Finishes the open line. */
  end(text: string): void {
    if (this.#open === undefined) return;
    const word = plain(text);
    const gap = this.#open + word.length + 5 > WIDTH ? "\r\n  " : " ... ";
    this.port.write(`${gap}${word}\r\n`);
    this.#open = undefined;
  }

  #finish(): void {
    if (this.#open !== undefined) this.port.write("\r\n");
    this.#open = undefined;
  }

  /** A note to be shown with the next question. */
  note(text: string): void {
    if (this.#notes.tag !== undefined) this.#notes = { lines: [] };
    this.#notes.lines.push(text);
    if (!this.isRich) this.line(text);
  }

  #notesFor(tag: string): readonly string[] {
    this.#notes.tag ??= tag;
    return this.isRich && this.#notes.tag === tag ? this.#notes.lines : [];
  }

  /** Reads a line of text; the caller interprets an empty one. `initial` is only shown. */
  async ask(
    page: Page,
    signal: AbortSignal,
    { initial = "", isSecret = false, leaveWhenRich = false } = {},
  ): Promise<Reply> {
    await this.prepare(page);
    this.show(page);
    const prompt = initial ? `(${initial}) > ` : "> ";
    const redraw = () => {
      if (leaveWhenRich && this.isRich) return false;
      this.show(page);
      return true;
    };
    const text = await this.#readLine(plain(prompt), isSecret, signal, redraw);
    if (text === undefined) return { command: "back" };
    const command = COMMANDS[text.trim()];
    return command ? { command } : { value: text };
  }

  /** Waits for Enter after each screenful; b or Escape returns at once, other keys redraw. */
  async pause(page: Page, signal: AbortSignal): Promise<void> {
    await this.prepare(page);
    for (const part of parts(page)) {
      this.show(part);
      for (;;) {
        const key = await this.key(signal);
        if (key.text === "b") this.keys.endCommand(key);
        if (key.name === "escape" || key.text === "b") return;
        if (key.name === "enter" || key.text === " ") break;
        this.show(part);
      }
    }
  }

  /** Undefined: the person pressed Escape, or `redraw` made the line obsolete. */
  async #readLine(
    prompt: string,
    isSecret: boolean,
    signal: AbortSignal,
    redraw: () => boolean,
  ): Promise<string | undefined> {
    let text: string[] = [];
    let cursor = 0;
    this.port.write(prompt);
    for (;;) {
      const key = await this.key(signal);
      const before = text.join("");
      switch (key.name) {
        case "enter":
          this.port.write("\r\n");
          return text.join("");
        case "escape":
          if (this.isRich) return undefined;
          continue;
        case "redraw":
          if (!redraw()) return undefined;
          this.port.write(prompt);
          if (!isSecret && !this.isRich) this.port.write(toAscii(before));
          break;
        case "text":
          text.splice(cursor, 0, key.text ?? "");
          cursor += 1;
          break;
        case "backspace":
          if (cursor > 0) text.splice(--cursor, 1);
          break;
        case "delete":
          text.splice(cursor, 1);
          break;
        case "clear":
          text = [];
          cursor = 0;
          break;
        case "left":
          cursor = Math.max(0, cursor - 1);
          break;
        case "right":
          cursor = Math.min(text.length, cursor + 1);
          break;
        case "home":
          cursor = 0;
          break;
        case "end":
          cursor = text.length;
          break;
        default:
          continue;
      }
      if (this.isRich) this.#drawLine(prompt, isSecret ? text.map(() => "*") : text, cursor);
      else {
        // A dumb terminal cannot move the cursor within the line.
        cursor = text.length;
        if (!isSecret) this.port.write(echo(before, text.join("")));
      }
    }
  }

  /** The part of the line around the cursor, when it is longer than the screen is wide. */
  #drawLine(prompt: string, text: readonly string[], cursor: number): void {
    const room = WIDTH - prompt.length;
    const from = Math.max(0, cursor - room);
    const shown = toAscii(text.slice(from, from + room).join(""));
    const back = shown.length - (cursor - from);
    this.port.write(`${CLEAR_LINE}${prompt}${shown}${back > 0 ? `\x1b[${back}D` : ""}`);
  }

  /** Rows of the screen that the page and its notes leave free. */
  room(page: Page): number {
    return room(page) - this.#noteRows(page.tag).length;
  }

  /** An empty line separates the notes from the question, which is a different subject. */
  #noteRows(tag: string): string[] {
    const rows = this.#notesFor(tag).flatMap((line) => wrap(plain(line), WIDTH, GOES_ON));
    return rows.length ? [...rows, ""] : [];
  }

  #render({ tag, token, title, lines = [], error, keys, plainKeys = keys }: Page): string[] {
    const tagLine = `[${tag}]${token ? ` ${token}` : ""}`;
    const body = [
      ...this.#noteRows(tag),
      ...wrap(plain(title), WIDTH, GOES_ON),
      ...lines.flatMap((line) => wrap(plain(line), WIDTH, "     ")),
      ...(error ? wrap(plain(`[error] ${error}`), WIDTH, "        ") : []),
    ];
    const foot = this.isRich ? keys : plainKeys;
    const footer = foot ? wrap(plain(foot), WIDTH, GOES_ON) : [];
    if (!this.isRich) return ["", tagLine, ...body, ...footer];
    const gap = " ".repeat(Math.max(1, WIDTH - HEADING.length - tagLine.length));
    return [`${CLEAR}${HEADING}${gap}${tagLine}`, "-".repeat(WIDTH), "", ...body, "", ...footer];
  }

  /** The next key; throws Gone when the session has ended. */
  async key(signal: AbortSignal): Promise<Key> {
    const key = await this.keys.next(signal);
    if (!key) throw new Gone();
    if (key.name !== "report") return key;
    // On a slow line or a busy box the answer to the probe arrives late, and counts from here on.
    this.isRich = true;
    return { name: "redraw" };
  }
}

/** The text may quote an untrusted source: control characters are escaped so that it stays on its line. */
const plain = (text: string) => toAscii(printable(text));
const count = (text: string | undefined) =>
  text === undefined ? 0 : wrap(plain(text), WIDTH, GOES_ON).length;
const wrapAll = (lines: readonly string[]) => lines.flatMap((line) => wrap(plain(line), WIDTH, "     "));

/** Rows of the screen that the page alone leaves free, its line of keys included. */
export function room({ title, lines = [], error, keys }: Page): number {
  const above = count(title) + wrapAll(lines).length + count(error && `[error] ${error}`);
  return HEIGHT - FRAME - above - count(keys);
}

/** The page in screenfuls; unchanged if it fits one. */
export function parts(page: Page): Page[] {
  const { more, token } = page;
  const wrapped = wrapAll(page.lines ?? []);
  if (room(page) >= 0 || more === undefined) return [page];
  const screens = screenfuls(wrapped, room({ ...page, lines: [], keys: more }));
  return screens.map((lines, index) => ({
    ...page,
    token: `${token ? `${token} ` : ""}${index + 1}/${screens.length}`,
    lines,
    ...(index < screens.length - 1 ? { keys: more } : {}),
  }));
}

/** Groups of at most `size` rows. A heading or the beginning of a sentence is not left alone at the end of one. */
function screenfuls(rows: readonly string[], size: number): (readonly string[])[] {
  const screens: (readonly string[])[] = [];
  for (let from = 0; from < rows.length; from += screens.at(-1)?.length ?? size) {
    let to = Math.min(rows.length, from + size);
    const isHeading = to < rows.length && /^\S/.test(rows[to - 1] ?? "") && /^\s/.test(rows[to] ?? "");
    if (isHeading && to - 1 > from) to -= 1;
    screens.push(rows.slice(from, to));
  }
  return screens;
}

/** Output that changes `before` into `after` on a dumb terminal: backspaces, then text. */
function echo(before: string, after: string): string {
  if (after.startsWith(before)) return toAscii(after.slice(before.length));
  const [old, wanted] = [toAscii(before), toAscii(after)];
  return "\b \b".repeat(old.length - wanted.length);
}
