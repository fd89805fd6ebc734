// SPDX-License-Identifier: GPL-3.0-or-later
// Which panics of a guest's kernel are taken for a fault of the emulation, and how often.
import { expect, test } from "vitest";
import { kernelPanics } from "../../../../image/guest/kernel-panic.ts";

const panic = (seconds: string) =>
  `[    0.000000] Linux version 6.12\r\n[${seconds.padStart(12)}] Kernel panic - not syncing: Fatal exception\r\n[    9.000000] ---[ end Kernel panic`;

/** How many resets that makes, and the panics that make none. */
function read(...pieces: readonly string[]): { resets: number; others: string[] } {
  let resets = 0;
  const others: string[] = [];
  const reset = () => {
    resets += 1;
  };
  const take = kernelPanics({ reset, other: (line) => others.push(line) });
  for (const piece of pieces) take(piece);
  return { resets, others };
}

const resets = (...pieces: readonly string[]) => read(...pieces).resets;

/** As a guest printed it whose second processor was in the interrupt of its clock. */
const BREAKPOINT = `[   17.601345] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\r
[   17.604308] RSP: 0018:ff4ac6d040100e70 EFLAGS: 00000246\r
[   17.604587] Tainted: [D]=DIE\r
`;

test.each([
  ["0.412345", 1],
  ["4.999999", 1],
  ["5.000000", 0],
  ["42.100000", 0],
])("a panic after %s s of kernel time causes %i resets", (seconds, count) => {
  expect(resets(panic(seconds))).toBe(count);
});

test("a panic after a breakpoint that the kernel does not know is the emulator's fault, however late", () => {
  const late = panic("17.604754");
  expect(resets(BREAKPOINT, late)).toBe(1);
  expect(resets(...(BREAKPOINT + late))).toBe(1);
});

test("another panic is reported with its line, even after such a breakpoint", () => {
  const late = panic("42.1");
  const line = "[        42.1] Kernel panic - not syncing: Fatal exception";
  expect(read(late)).toEqual({ resets: 0, others: [line] });
  expect(read(BREAKPOINT, late, "\r\n", late)).toEqual({ resets: 1, others: [line] });
});

test("a panic is recognised in whatever pieces its line arrives", () => {
  const text = panic("1.234567");
  expect(resets(...text)).toBe(1);
  for (let at = 0; at < text.length; at++) expect(resets(text.slice(0, at), text.slice(at))).toBe(1);
});

test("a panic is answered when its line is complete, so that the answer does not interrupt it", () => {
  const line = "[    1.234567] Kernel panic - not syncing: Fatal exception";
  expect(resets(line, "\r")).toBe(0);
  expect(resets(line, "\r", "\n")).toBe(1);
});

test("only the first two panics cause a reset", () => {
  expect(resets(panic("1.0"), "\r\n", panic("1.1"))).toBe(2);
  expect(read(`${panic("1.0")}\r\n`.repeat(5))).toMatchObject({ resets: 2, others: { length: 3 } });
});

test("a line that only mentions a panic is not one", () => {
  const inner = "he wrote: [    1.234567] Kernel panic - not syncing";
  expect(
    resets(inner, "\r\n[    1.0] Kernel command line: panic=5\r\n", "Kernel panic - not syncing\r\n"),
  ).toBe(0);
});

test("a line without an end is not buffered completely", () => {
  expect(resets("x".repeat(1_000_000), panic("1.0").replace(/^/, "\r\n"))).toBe(1);
});
