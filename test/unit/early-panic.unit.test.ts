// SPDX-License-Identifier: GPL-3.0-or-later
// Which panics of a guest's kernel are taken for a fault of the emulation, and how often.
import { expect, test } from "vitest";
import { earlyPanics } from "../../image/early-panic.ts";

const panic = (seconds: string) =>
  `[    0.000000] Linux version 6.12\r\n[${seconds.padStart(12)}] Kernel panic - not syncing: Fatal exception\r\n[    9.000000] ---[ end Kernel panic`;

/** How many resets that makes. */
function resets(...pieces: readonly string[]): number {
  let count = 0;
  const read = earlyPanics(() => {
    count += 1;
  });
  for (const piece of pieces) read(piece);
  return count;
}

test.each([
  ["0.412345", 1],
  ["4.999999", 1],
  ["5.000000", 0],
  ["42.100000", 0],
])("a panic after %s s of the kernel's time makes %i resets", (seconds, count) => {
  expect(resets(panic(seconds))).toBe(count);
});

test("is seen however its line comes in pieces", () => {
  const text = panic("1.234567");
  expect(resets(...text)).toBe(1);
  for (let at = 0; at < text.length; at++) expect(resets(text.slice(0, at), text.slice(at))).toBe(1);
});

test("is answered when its line is complete, so that the sentence does not stand in it", () => {
  const line = "[    1.234567] Kernel panic - not syncing: Fatal exception";
  expect(resets(line, "\r")).toBe(0);
  expect(resets(line, "\r", "\n")).toBe(1);
});

test("is forgiven twice", () => {
  expect(resets(panic("1.0"), "\r\n", panic("1.1"))).toBe(2);
  expect(resets(`${panic("1.0")}\r\n`.repeat(5))).toBe(2);
});

test("what only speaks of one is none", () => {
  const inner = "he wrote: [    1.234567] Kernel panic - not syncing";
  expect(
    resets(inner, "\r\n[    1.0] Kernel command line: panic=5\r\n", "Kernel panic - not syncing\r\n"),
  ).toBe(0);
});

test("a line without an end is not kept whole", () => {
  expect(resets("x".repeat(1_000_000), panic("1.0").replace(/^/, "\r\n"))).toBe(1);
});
