// SPDX-License-Identifier: GPL-3.0-or-later
// Menus on a terminal: one of several, or any number of them. By arrows on a clever terminal, by numbers on a dumb one;
// a menu that is longer than the screen is shown in parts.

import {
  COMMANDS,
  type Command,
  type Option,
  type Page,
  type Reply,
  room,
  type Terminal,
} from "./terminal.ts";

/** Rows of a menu at the least, however long the page above it is. */
const LEAST_ROWS = 4;
/** Rows that a dumb terminal gets at a time. */
const PART = 15;

export type PickReply = { readonly values: readonly string[] } | { readonly command: Command };

/** One of the options. `initial`: the index that Enter takes. */
export async function choose(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: number,
  signal: AbortSignal,
): Promise<Reply> {
  const reply = terminal.isRich ? undefined : await chooseByNumber(terminal, page, options, initial, signal);
  return reply ?? chooseByArrows(terminal, page, options, initial, signal);
}

/** Any of the options, also none: Enter takes those that are marked. `initial`: the values marked at first. */
export async function pick(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  initial: readonly string[],
  signal: AbortSignal,
): Promise<PickReply> {
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
  const draw = () => showRows(terminal, page, options, chosen, ({ label }) => label);
  draw();
  for (;;) {
    const { name, text = "" } = await terminal.key(signal);
    if (name === "enter") return { value: options[chosen]?.value ?? "" };
    if (name === "escape" || name === "left") return { command: "back" };
    if (COMMANDS[text]) return { command: COMMANDS[text] };
    const number = Number(text || "0");
    const moved = move(name, chosen, options.length);
    if (moved !== undefined) chosen = moved;
    else if (number >= 1 && number <= options.length) chosen = number - 1;
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
  const label = ({ value, label: text }: Option) => `${marked.has(value) ? "[x]" : "[ ]"} ${text}`;
  const draw = () => showRows(terminal, page, options, at, label);
  draw();
  for (;;) {
    const { name, text = "" } = await terminal.key(signal);
    if (name === "enter") return { values: inOrder(options, marked) };
    if (name === "escape" || name === "left") return { command: "back" };
    if (COMMANDS[text]) return { command: COMMANDS[text] };
    const number = text.trim() === "" ? 0 : Number(text);
    const moved = move(name, at, options.length);
    if (moved !== undefined) at = moved;
    else if (text === " ") toggle(marked, options[at]);
    else if (number >= 1 && number <= options.length) {
      at = number - 1;
      toggle(marked, options[at]);
    } else if (name !== "redraw") continue;
    draw();
  }
}

function move(name: string, from: number, count: number): number | undefined {
  if (name === "up") return (from + count - 1) % count;
  return name === "down" ? (from + 1) % count : undefined;
}

/** The rows around the cursor, as many as fit; what is above and below is hinted at. */
function showRows(
  terminal: Terminal,
  page: Page,
  options: readonly Option[],
  at: number,
  label: (option: Option) => string,
): void {
  const most = Math.max(LEAST_ROWS, room(page) - 1);
  const all = options.length <= most;
  // Two rows are for the hints.
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

/** Undefined: the terminal turned out to know arrows. */
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

/** Numbers mark and take the mark away, Enter leads on; undefined: the terminal turned out to know arrows. */
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
      if (reply.command !== "back" || from === 0) return reply;
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
