// SPDX-License-Identifier: GPL-3.0-or-later
// What both command lines print goes through here, and so does what they quote of others: no control sign reaches the
// terminal. A test refuses any other way to it.

import { printable, printableLines, UNSEEN } from "./printable.ts";

/** One line: a line end in it is shown by its number. */
export function say(line: string): void {
  console.log(printable(line));
}

/** Text of several lines. What it quotes of others has to be of one line already. */
export function sayLines(text: string): void {
  console.log(printableLines(text));
}

/** A document that may be kept in a file, as it is: only a person's terminal gets it without control signs. */
export function sayDocument(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printableLines(text) : text);
}

/** Lines of somebody else, such as a log: indented, so that none looks like one of ours. */
export function quoted(text: string): string[] {
  return printableLines(text)
    .split("\n")
    .map((line) => `  ${line}`);
}

/** For programs. */
export function sayJson(data: unknown): void {
  console.log(jsonLines(data).join("\n"));
}

/** JSON that shows no control sign, and reads as the same data. */
export function jsonLines(data: unknown): string[] {
  const lines = JSON.stringify(data, undefined, 2).split("\n");
  return lines.map((line) => line.replace(UNSEEN, escaped));
}

/** JSON knows escapes of 16 bits only. */
function escaped(sign: string): string {
  const units = sign.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return units.map((unit) => `\\u${unit}`).join("");
}

/** What went wrong, in lines of {@link describeFailure}. */
export function sayError(text: string): void {
  console.error(printableLines(text));
}
