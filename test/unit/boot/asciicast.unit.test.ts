// SPDX-License-Identifier: GPL-3.0-or-later
// Recordings of the wizard, and pictures made from them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lastWith, screens, svg } from "../../../docs/picture.ts";
import { Asciicast } from "../../boot/asciicast.ts";
import { temporaryDirectory } from "../../temporary.ts";

const CLEAR = "\x1b[2J\x1b[H";

/** The recording of these pieces, one each second and a half. */
function recorded(...pieces: string[]): string {
  const path = join(temporaryDirectory(), "new/set-up.cast");
  let milliseconds = 100;
  const cast = new Asciicast(path, "A set-up", () => milliseconds);
  for (const piece of pieces) {
    milliseconds += 1500;
    cast.output(piece);
  }
  return readFileSync(path, "utf8");
}

test("a recording is an asciicast of version 2", () => {
  const [header = "", ...events] = recorded("Press Enter\r\n", "\x1b[6nàè").trimEnd().split("\n");
  expect(JSON.parse(header)).toMatchObject({ version: 2, width: 80, height: 24, title: "A set-up" });
  expect(events.map((event) => JSON.parse(event))).toEqual([
    [1.5, "o", "Press Enter\r\n"],
    [3, "o", "\x1b[6nàè"],
  ]);
});

test("a recording begins anew", () => {
  const path = join(temporaryDirectory(), "set-up.cast");
  new Asciicast(path, "old").output("old");
  new Asciicast(path, "new").output("new");
  expect(readFileSync(path, "utf8")).not.toContain("old");
});

test("screens are told apart, and a line that is drawn anew stands there once", () => {
  const all = screens(
    recorded(`boot\r\n${CLEAR}One\r\n> wro`, `\x1b[3D\x1b[K> ri\b\bright${CLEAR}`, "Two\r\n> "),
  );
  expect(all).toEqual([
    ["boot", ""],
    ["One", "> > right"],
    ["Two", ">"],
  ]);
});

test("of a terminal that only has lines, the last 24 are a screen", () => {
  const [screen] = screens(recorded(Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\r\n")));
  expect(screen).toHaveLength(24);
  expect(screen?.at(-1)).toBe("line 29");
});

test("the last screen with a text is taken, and one that none has is named", () => {
  const all = screens(recorded(`[review] old${CLEAR}`, `[review] new${CLEAR}`, "[done]"));
  expect(lastWith("[review]", all)).toEqual(["[review] new"]);
  expect(() => lastWith("[apply]", all)).toThrow('"[apply]"');
});

test("a picture has the lines as text, and loads nothing", () => {
  const picture = svg([["a < b & c", "", "> ", ""]]);
  expect(picture).toContain(">a &lt; b &amp; c</text>");
  expect(picture.match(/<text /g)).toHaveLength(2);
  expect(picture).not.toMatch(/href|url\(/);
});
