// SPDX-License-Identifier: GPL-3.0-or-later
// The answers of the shell in a guest: one line each, whatever of it is empty, with a console's return at its end or not.
import { expect, test } from "vitest";
import { readAnswer } from "../../boot/probe.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

test.each([
  ["both", "out\n", "err\n"],
  ["no errors", "out\n", ""],
  ["nothing printed", "", ""],
  ["only errors", "", "err\n"],
])("readAnswer reads the answer of a command: %s", (_name, stdout, stderr) => {
  for (const end of ["", "\r", "\n", "\r\n"])
    expect(readAnswer(`cbox 7 3 ${base64(stdout)} ${base64(stderr)}${end}`)).toEqual({
      number: 7,
      result: { code: 3, stdout, stderr },
    });
});

test("readAnswer ignores other lines", () => expect(readAnswer("cbox ready")).toBeUndefined());
