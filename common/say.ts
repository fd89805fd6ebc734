// SPDX-License-Identifier: GPL-3.0-or-later
// All output of both command lines, including quoted text: no control character reaches the terminal. A test rejects
// any other output.

import { printable, printableLines, UNSEEN } from "./printable.ts";

/** One line: a line break in it is shown as its code. */
export function say(line: string): void {
  console.log(printable(line));
}

/** Several lines. Quoted text must already be reduced to one line. */
export function sayLines(text: string): void {
  console.log(printableLines(text));
}

/** A document that may be redirected to a file: unchanged unless standard output is a terminal. */
export function sayDocument(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printableLines(text) : text);
}

/** Lines from another source, such as a log: indented, so that none looks like one of ours. */
export function quoted(text: string): string[] {
  return printableLines(text)
    .split("\n")
    .map((line) => `  ${line}`);
}

/** For programs. */
export function sayJson(data: unknown): void {
  console.log(jsonLines(data).join("\n"));
}

/** JSON without visible control characters that parses to the same data. */
export function jsonLines(data: unknown): string[] {
  const lines = JSON.stringify(data, undefined, 2).split("\n");
  return lines.map((line) => line.replace(UNSEEN, escaped));
}

/** JSON only has 16-bit escapes. */
function escaped(sign: string): string {
  const units = sign.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return units.map((unit) => `\\u${unit}`).join("");
}

/** An error, as lines of {@link describeFailure}. */
export function sayError(text: string): void {
  console.error(printableLines(text));
}
