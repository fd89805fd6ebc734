// SPDX-License-Identifier: GPL-3.0-or-later
// Menus on a terminal: one of several, or any number of them. By arrows on a capable terminal, by numbers on a dumb
// one; a menu longer than the screen is shown in parts.

import type { Key } from "./keys.ts";
import { COMMANDS, type Command, type Option, type Page, type Reply, type Terminal } from "./terminal.ts";

/** The minimum number of rows of a menu, however long the page above it is. */
const LEAST_ROWS = 4;
/** Rows that a dumb terminal shows at a time. */
const PART = 15;

/** `values`: the marked ones, also when a command was given. */
export type PickReply = { readonly values: readonly string[]; readonly command?: Command };

/** Chooses one of the options. `initial`: the index that Enter selects. */
export async function choose(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: number,
  signal: AbortSignal,
): Promise<Reply> {
  await terminal.prepare(page);
  const reply = terminal.isRich ? undefined : await chooseByNumber(terminal, page, options, initial, signal);
  return reply ?? chooseByArrows(terminal, page, options, initial, signal);
}

/** Chooses any number of the options: Enter accepts the marked ones. `initial`: the values marked at first. */
export async function pick(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: readonly string[],
  signal: AbortSignal,
): Promise<PickReply> {
  await terminal.prepare(page);
  const marked = new Set(initial);
  const reply = terminal.isRich ? undefined : await pickByNumber(terminal, page, options, marked, signal);
  return reply ?? pickByArrows(terminal, page, options, marked, signal);
}

async function chooseByArrows(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: number,
  signal: AbortSignal,
): Promise<Reply> {
  let chosen = initial;
  const rowNumber = new RowNumber(options.length);
  const draw = () => showRows(terminal, page, options, chosen, ({ label }) => label);
  draw();
  for (;;) {
    const key = await terminal.key(signal);
    const { name, text = "" } = key;
    if (name === "enter") return { value: options[chosen]?.value ?? "" };
    if (name === "escape" || name === "left") return { command: "back" };
    const command = commandOf(terminal, key);
    if (command) return { command };
    const moved = rowNumber.take(text) ?? move(name, chosen, options.length);
    if (moved !== undefined) chosen = moved;
    else if (name !== "redraw") continue;
    draw();
  }
}

async function pickByArrows(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  marked: Set<string>,
  signal: AbortSignal,
): Promise<PickReply> {
  let at = 0;
  const rowNumber = new RowNumber(options.length);
  // With ten or more rows, the first digit of a number must not mark a row already.
  const isMarkedByNumber = options.length < 10;
  const label = ({ value, label: text }: Option) => `${marked.has(value) ? "[x]" : "[ ]"} ${text}`;
  const draw = () => showRows(terminal, page, options, at, label);
  draw();
  for (;;) {
    const key = await terminal.key(signal);
    const { name, text = "" } = key;
    const values = inOrder(options, marked);
    if (name === "enter") return { values };
    if (name === "escape" || name === "left") return { command: "back", values };
    const command = commandOf(terminal, key);
    if (command) return { command, values };
    const numbered = rowNumber.take(text);
    const moved = numbered ?? move(name, at, options.length);
    if (moved !== undefined) at = moved;
    if (text === " " || (numbered !== undefined && isMarkedByNumber)) toggle(marked, options[at]);
    else if (moved === undefined && name !== "redraw") continue;
    draw();
  }
}

/** The command of a key; Enter is not needed here. */
function commandOf(terminal: Terminal, key: Key): Command | undefined {
  const command = COMMANDS[key.text ?? ""];
  if (command) terminal.keys.endCommand(key);
  return command;
}

/** Row numbers, typed digit by digit: a digit extends the number before it if such a row exists. */
class RowNumber {
  readonly #count: number;
  #typed = "";

  constructor(count: number) {
    this.#count = count;
  }

  /** Index of the row, if this key completes one. */
  take(text: string): number | undefined {
    const isRow = (digits: string) => Number(digits) >= 1 && Number(digits) <= this.#count;
    const wanted = /^[0-9]$/.test(text) ? [`${this.#typed}${text}`, text].find(isRow) : undefined;
    this.#typed = wanted ?? "";
    return wanted === undefined ? undefined : Number(wanted) - 1;
  }
}

function move(name: string, from: number, count: number): number | undefined {
  if (name === "up") return (from + count - 1) % count;
  return name === "down" ? (from + 1) % count : undefined;
}

/** The rows around the cursor that fit; hints say what is above and below. */
function showRows(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  at: number,
  label: (option: Option) => string,
): void {
  const most = Math.max(LEAST_ROWS, terminal.room(page) - 1);
  const all = options.length <= most;
  // Two rows are reserved for the hints.
  const size = all ? options.length : Math.max(LEAST_ROWS, most - 2);
  const from = Math.min(Math.max(0, at - Math.floor(size / 2)), options.length - size);
  const rows = options
    .slice(from, from + size)
    .map((option, row) => `${from + row === at ? ">" : " "} ${from + row + 1}. ${label(option)}`);
  const hint = (more: boolean) => (all ? [] : [more ? "  ..." : ""]);
  terminal.show({
    ...page,
    lines: [...(page.lines ?? []), "", ...hint(from > 0), ...rows, ...hint(from + size < options.length)],
  });
}

/** Returns undefined when the terminal turns out to support arrows. */
async function chooseByNumber(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: number,
  signal: AbortSignal,
): Promise<Reply | undefined> {
  const lines = options.map(({ label }, index) => `  ${index + 1}. ${label}`);
  const full = { ...page, lines: [...(page.lines ?? []), ...lines] };
  for (;;) {
    const reply = await terminal.ask(full, signal, { initial: String(initial + 1), leaveWhenRich: true });
    if (terminal.isRich) return undefined;
    if ("command" in reply) return reply;
    const typed = reply.value.trim();
    const chosen = typed === "" ? initial : /^\d+$/.test(typed) ? Number(typed) - 1 : -1;
    const option = options[chosen];
    if (option) return { value: option.value };
    terminal.line(`[error] 1-${options.length}`);
  }
}

/** A number marks or unmarks a row, Enter continues; undefined: the terminal turned out to support arrows. */
async function pickByNumber(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  marked: Set<string>,
  signal: AbortSignal,
): Promise<PickReply | undefined> {
  let from = 0;
  for (;;) {
    const rows = options
      .map(({ value, label }, index) => `  ${marked.has(value) ? "[x]" : "[ ]"} ${index + 1}. ${label}`)
      .slice(from, from + PART);
    const isLast = from + PART >= options.length;
    const part = { ...page, lines: [...(page.lines ?? []), ...rows, ...(isLast ? [] : ["  ..."])] };
    const reply = await terminal.ask(part, signal, { leaveWhenRich: true });
    if (terminal.isRich) return undefined;
    if ("command" in reply) {
      if (reply.command !== "back" || from === 0)
        return { command: reply.command, values: inOrder(options, marked) };
      from -= PART;
      continue;
    }
    const typed = reply.value.split(/[\s,]+/).filter(Boolean);
    if (typed.length === 0) {
      if (isLast) return { values: inOrder(options, marked) };
      from += PART;
      continue;
    }
    const chosen = typed.map((word) => (/^\d+$/.test(word) ? options[Number(word) - 1] : undefined));
    if (chosen.includes(undefined)) terminal.line(`[error] 1-${options.length}`);
    else for (const option of new Set(chosen)) toggle(marked, option);
  }
}

function toggle(marked: Set<string>, option: Option | undefined): void {
  if (option && !marked.delete(option.value)) marked.add(option.value);
}

function inOrder(options: readonly Option[], marked: ReadonlySet<string>): string[] {
  return options.map(({ value }) => value).filter((value) => marked.has(value));
}
