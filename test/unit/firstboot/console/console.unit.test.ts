// SPDX-License-Identifier: GPL-3.0-or-later
// Keys and terminals: sequences in pieces, typing ahead, the line editor, menus, and passwords that nobody sees.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { decodeKeys, KeyQueue } from "../../../../firstboot/console/keys.ts";
import { choose, pick } from "../../../../firstboot/console/menu.ts";
import { Gone, type Page, Terminal } from "../../../../firstboot/console/terminal.ts";

const names = (input: string) => decodeKeys(input, true).keys.map(({ name, text }) => text ?? name);

describe("reading keys", () => {
  test.each([
    ["ab", ["a", "b"]],
    ["\r", ["enter"]],
    ["\r\n", ["enter"]],
    ["\n", ["enter"]],
    ["\r\r", ["enter", "enter"]],
    ["\x1b[A\x1bOB\x1b[C\x1b[D", ["up", "down", "right", "left"]],
    ["\x1b[3~\x1b[1~\x1b[4~", ["delete", "home", "end"]],
    ["\x7f\b", ["backspace", "backspace"]],
    ["\x1b[24;80R", ["report"]],
    ["\x1b[5;5~x", ["x"]],
    ["\x1b", ["escape"]],
    ["\x0c\x03\x15", ["redraw", "clear", "clear"]],
    ["ñ€😀", ["ñ", "€", "😀"]],
    ["\x00\x07", []],
  ])("recognises %j", (input, expected) => expect(names(input)).toEqual(expected));

  test("gives the same keys, however the bytes are split", async () => {
    const whole = "a\x1b[A\r\nñ\x1b[24;80R\x1bOBz";
    const bytes = Buffer.from(whole);
    const expected = names(whole);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 })), async (cuts) => {
        // Return and newline are one key only when they come together.
        const between = bytes.indexOf("\r\n") + 1;
        const at = [0, ...cuts.filter((cut) => cut !== between).sort((a, b) => a - b), bytes.length];
        const queue = new KeyQueue();
        for (const [index, start] of at.slice(0, -1).entries())
          queue.push(bytes.subarray(start, at[index + 1]));
        const keys: string[] = [];
        for (let count = 0; count < expected.length; count++) {
          const key = await queue.next(new AbortController().signal);
          keys.push(key?.text ?? key?.name ?? "");
        }
        expect(keys).toEqual(expected);
      }),
    );
  });
});

const page: Page = { tag: "test/page", title: "A question" };

function terminal(isRich: boolean, typed: string) {
  const written: string[] = [];
  const made = new Terminal({ name: "test", write: (text) => void written.push(text) });
  made.isRich = isRich;
  made.keys.push(Buffer.from(typed));
  return { terminal: made, output: () => written.join("") };
}

const never = new AbortController().signal;
const options = ["one", "two", "three"].map((value) => ({ value, label: `Label ${value}` }));

describe.each([
  ["rich", true],
  ["dumb", false],
])("a %s terminal", (_name, isRich) => {
  test("asks for a line of text", async () => {
    const { terminal: made, output } = terminal(isRich, "can-bruixa\r");
    expect(await made.ask(page, never, { initial: "cbox-17" })).toEqual({ value: "can-bruixa" });
    expect(output()).toContain("[test/page]");
    expect(output()).toContain("(cbox-17) > ");
    expect(output()).toContain("can-bruixa");
  });

  test("corrects text with backspace and Ctrl-U", async () => {
    expect(await terminal(isRich, "xy\x15abc\x7fd\r").terminal.ask(page, never)).toEqual({ value: "abd" });
  });

  test("hides a secret", async () => {
    const { terminal: made, output } = terminal(isRich, "four wxt\x7f\x7fet goats\r");
    expect(await made.ask(page, never, { isSecret: true })).toEqual({ value: "four wet goats" });
    expect(output()).not.toMatch(/four|wet|goat/);
    expect(output().includes("**")).toBe(isRich);
  });

  test.each([
    ["b", "back"],
    ["s", "skip"],
    ["l", "log"],
    ["?", "help"],
  ])("treats %s alone as the command %s", async (typed, command) => {
    expect(await terminal(isRich, `${typed}\r`).terminal.ask(page, never)).toEqual({ command });
    const menu = terminal(isRich, `${typed}\r`).terminal;
    expect(await choose(menu, page, options, 0, never)).toEqual({ command });
    expect(await pick(terminal(isRich, `${typed}\r`).terminal, page, options, ["two"], never)).toEqual({
      command,
      values: ["two"],
    });
  });

  test("accepts a choice by number, or the offered one by Enter", async () => {
    expect(await choose(terminal(isRich, "3\r").terminal, page, options, 0, never)).toEqual({
      value: "three",
    });
    expect(await choose(terminal(isRich, "\r").terminal, page, options, 1, never)).toEqual({ value: "two" });
  });

  test("refuses a number that does not exist", async () => {
    expect(await choose(terminal(isRich, "9\r2\r").terminal, page, options, 0, never)).toEqual({
      value: isRich ? "one" : "two",
    });
  });

  test("ends its question immediately when the user disconnects", async () => {
    const gone = new AbortController();
    const reply = terminal(isRich, "half a li").terminal.ask(page, gone.signal);
    gone.abort();
    await expect(reply).rejects.toThrow(Gone);
  });
});

const many = Array.from({ length: 25 }, (_, index) => ({
  value: `v${index + 1}`,
  label: `Row ${index + 1}`,
}));

describe("choosing several options of a list", () => {
  test.each([
    ["rich", true, "13\r", ["one", "three"]],
    ["rich, by arrows and space", true, "\x1b[B \x1b[B \r", ["two", "three"]],
    ["dumb", false, "1 3\r\r", ["one", "three"]],
    ["dumb, with commas", false, "3,1\r\r", ["one", "three"]],
  ])("marks them on a %s terminal", async (_name, isRich, typed, values) => {
    const { terminal: made, output } = terminal(isRich, typed);
    expect(await pick(made, page, options, [], never)).toEqual({ values });
    expect(output()).toMatch(/\[x\] (3\. )?Label three/);
  });

  test.each([
    ["rich", true, "2\r"],
    ["dumb", false, "2\r\r"],
  ])("removes a mark again on a %s terminal", async (_name, isRich, typed) => {
    const { terminal: made } = terminal(isRich, typed);
    expect(await pick(made, page, options, ["one", "two"], never)).toEqual({ values: ["one"] });
  });

  test("changes nothing for a number that does not exist on a dumb terminal", async () => {
    const { terminal: made, output } = terminal(false, "1 9\r\r");
    expect(await pick(made, page, options, ["two"], never)).toEqual({ values: ["two"] });
    expect(output()).toContain("[error] 1-3");
  });

  test("shows a long list in pages on a dumb terminal, with a way back", async () => {
    const { terminal: made, output } = terminal(false, "\r25\rb\r2\r\r\r");
    expect(await pick(made, page, many, [], never)).toEqual({ values: ["v2", "v25"] });
    const [first = "", second = ""] = output().split("[test/page]").slice(1);
    expect(first).toContain("15. Row 15");
    expect(first).not.toContain("16. Row 16");
    expect(second).toContain("25. Row 25");
  });

  test.each([
    ["chosen from", choose],
    [
      "marked",
      (...[made, at, list, , signal]: Parameters<typeof choose>) => pick(made, at, list, [], signal),
    ],
  ])("fits a long list that is %s on the screen of a rich terminal", async (_name, menu) => {
    const { terminal: made, output } = terminal(true, `${"\x1b[B".repeat(20)}\r`);
    const reply = await menu(made, { ...page, keys: "Enter: accept" }, many, 0, never);
    if ("value" in reply) expect(reply).toEqual({ value: "v21" });
    for (const screen of output().split("\x1b[2J\x1b[H").slice(1))
      expect(screen.trimEnd().split("\r\n").length).toBeLessThanOrEqual(23);
    expect(output()).toMatch(/> 21\. (\[ \] )?Row 21/);
  });
});

describe("numbers of two digits on a rich terminal", () => {
  test.each([
    ["12", "12 \r", ["v12"]],
    ["25", "25 \r", ["v25"]],
    ["3 and 21", "3 21 \r", ["v3", "v21"]],
    ["a row that is not there: its last digit", "99 \r", ["v9"]],
  ])("lead to the row for %s, and space marks only that", async (_number, typed, values) => {
    expect(await pick(terminal(true, typed).terminal, page, many, [], never)).toEqual({ values });
  });

  test("choose the row by Enter", async () => {
    expect(await choose(terminal(true, "17\r").terminal, page, many, 0, never)).toEqual({ value: "v17" });
  });
});

test("a command's reply includes the marks made before it", async () => {
  for (const [typed, command] of [
    ["1?", "help"],
    ["1l", "log"],
    ["1b", "back"],
    ["1\x1b[D", "back"],
  ] as const)
    expect(await pick(terminal(true, typed).terminal, page, options, ["three"], never)).toEqual({
      command,
      values: ["one", "three"],
    });
  expect(await pick(terminal(false, "1\r?\r").terminal, page, options, ["three"], never)).toEqual({
    command: "help",
    values: ["one", "three"],
  });
});

describe("an Enter right after a command key", () => {
  test.each(["b", "?", "l"])("belongs to the command %s", async (key) => {
    const { terminal: made } = terminal(true, `${key}\r`);
    expect(await choose(made, page, options, 0, never)).toHaveProperty("command");
    made.keys.push(Buffer.from("3\r"));
    expect(await choose(made, page, options, 0, never)).toEqual({ value: "three" });
  });

  test("belongs to the command at the end of a read-only page, too", async () => {
    const { terminal: made } = terminal(true, "b\r");
    await made.pause(page, never);
    made.keys.push(Buffer.from("2\r"));
    expect(await choose(made, page, options, 0, never)).toEqual({ value: "two" });
  });

  test("counts when it is the second one, or typed later", async () => {
    const { terminal: made } = terminal(true, "b\r\r");
    await choose(made, page, options, 0, never);
    expect(await choose(made, page, options, 2, never)).toEqual({ value: "three" });
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      made.keys.push(Buffer.from("b"));
      await choose(made, page, options, 0, never);
      vi.advanceTimersByTime(1000);
      made.keys.push(Buffer.from("\r"));
      expect(await choose(made, page, options, 2, never)).toEqual({ value: "three" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe.each([
  ["rich", true],
  ["dumb", false],
])("input typed before a page that decides something, on a %s terminal,", (_name, isRich) => {
  const deliberate = { ...page, isDeliberate: true };

  test("does not answer a choice", async () => {
    const { terminal: made } = terminal(isRich, "\r\r1\r");
    const choice = choose(made, deliberate, options, 0, never);
    // Read by the event loop before the page is shown: typed before it, as well.
    setImmediate(() => made.keys.push(Buffer.from("1\r")));
    await vi.waitUntil(() => made.keys.isEmpty);
    made.keys.push(Buffer.from("3\r"));
    expect(await choice).toEqual({ value: "three" });
  });

  test("does not answer a line of text", async () => {
    const { terminal: made, output } = terminal(isRich, "sda\r");
    const reply = made.ask(deliberate, never);
    await vi.waitUntil(() => output().includes("> "));
    made.keys.push(Buffer.from("sdb\r"));
    expect(await reply).toEqual({ value: "sdb" });
  });

  test("does not turn the page", async () => {
    const { terminal: made, output } = terminal(isRich, "\r\r");
    let isOver = false;
    const reading = made.pause(deliberate, never).then(() => (isOver = true));
    await vi.waitUntil(() => output().includes("A question"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    made.keys.push(Buffer.from("\r"));
    await reading;
  });
});

test("the footer of a page names only the keys of its terminal", () => {
  const both = { ...page, keys: "arrows and space", plainKeys: "numbers" };
  for (const [isRich, shown, other] of [
    [true, "arrows", "numbers"],
    [false, "numbers", "arrows"],
  ] as const) {
    const { terminal: made, output } = terminal(isRich, "");
    made.show(both);
    expect(output()).toContain(shown);
    expect(output()).not.toContain(other);
  }
});

test("a note is separated from the question below it, and its rows reduce the space of the page", () => {
  const { terminal: made, output } = terminal(true, "");
  const before = made.room(page);
  made.note("Something to know.");
  made.show(page);
  expect(output()).toContain("Something to know.\r\n\r\nA question");
  expect(made.room(page)).toBe(before - 2);
});

test("arrow keys choose on a rich terminal, and wrap around", async () => {
  const up = terminal(true, "\x1b[A\r");
  expect(await choose(up.terminal, page, options, 0, never)).toEqual({ value: "three" });
  expect(up.output()).toContain("> 3. Label three");
  expect(await choose(terminal(true, "\x1b[B\x1b[B\r").terminal, page, options, 0, never)).toEqual({
    value: "three",
  });
});

test("arrow keys move in the input line of a rich terminal", async () => {
  expect(await terminal(true, "bc\x1b[D\x1b[Da\x1b[4~d\x1b[H\x1b[3~\r").terminal.ask(page, never)).toEqual({
    value: "bcd",
  });
});

test("a dumb terminal gets only ASCII, CR LF and backspace", async () => {
  const { terminal: made, output } = terminal(false, "àb\x7f\x1b[Ac\x0c\r");
  await made.ask({ ...page, title: "Català" }, never);
  expect(output()).toMatch(/^[\r\n\b\x20-\x7e]*$/);
});

test("a long input line on a rich terminal never wraps", async () => {
  const { terminal: made, output } = terminal(true, `${"k".repeat(400)}\r`);
  expect(await made.ask(page, never)).toEqual({ value: "k".repeat(400) });
  const lines = output()
    .replaceAll("\x1b[2J\x1b[H", "")
    .split(/\r\n|\r\x1b\[K/);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

describe("the probe of a terminal", () => {
  test("finds a rich terminal when the cursor position is reported", async () => {
    const made = new Terminal({ name: "test", write: (text) => void (text.includes("\x1b[6n") && answer()) });
    const answer = () => made.keys.push(Buffer.from("\x1b[5;1R"));
    await made.probe();
    expect(made.isRich).toBe(true);
  });

  test("finds a dumb terminal without a report, and keeps what was typed ahead", async () => {
    const { terminal: made } = terminal(true, "2\r");
    await made.probe();
    expect(made.isRich).toBe(false);
    expect(await choose(made, page, options, 0, never)).toEqual({ value: "two" });
  });

  test("makes the terminal rich after a late report, so that arrow keys choose at the present question", async () => {
    const { terminal: made, output } = terminal(false, "");
    await made.probe();
    const choice = choose(made, page, options, 0, never);
    made.keys.push(Buffer.from("\x1b[24;80R"));
    made.keys.push(Buffer.from("\x1b[B\r"));
    expect(await choice).toEqual({ value: "two" });
    expect(made.isRich).toBe(true);
    expect(output()).toContain("> 2. ");
  });

  test("leaves typed text unchanged by a late report", async () => {
    const { terminal: made } = terminal(false, "");
    await made.probe();
    const reply = made.ask(page, never);
    made.keys.push(Buffer.from("ab\x1b[24;80Rc\r"));
    expect(await reply).toEqual({ value: "abc" });
  });
});
