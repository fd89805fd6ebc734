// SPDX-License-Identifier: GPL-3.0-or-later
// The script that asks the kernel whether it runs programs of 32-bit x86. The answer is this machine's; what the question
// is made of is checked here.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../../../image/host/runs-i386.sh", import.meta.url));

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "cbox-i386-"));
});
afterEach(() => rmSync(cache, { recursive: true }));

/** Runs the script, with the program that it made replaced by another just before it is started. */
function answer(program?: string): number | null {
  const text = readFileSync(SCRIPT, "utf8");
  const replaced = program
    ? text.replace(/^chmod .*$/m, `cat >"$folder/end" <<'END'\n${program}\nEND\n$&`)
    : text;
  const { status } = spawnSync("sh", ["-c", replaced], { env: { ...process.env, XDG_CACHE_HOME: cache } });
  expect(readdirSync(cache)).toEqual([]);
  return status;
}

it("the script says yes only where the test program ends with its own exit code", () => {
  expect(answer("#!/bin/sh\nexit 42")).toBe(0);
  expect(answer("#!/bin/sh\nexit 0")).toBe(1);
  expect(answer("#!/no/such/interpreter")).toBe(1);
  expect([0, 1]).toContain(answer());
});

it("the script says no where nothing can be written", () => {
  const file = join(cache, "file");
  writeFileSync(file, "");
  const { status } = spawnSync("sh", [SCRIPT], { env: { ...process.env, XDG_CACHE_HOME: file } });
  expect(status).toBe(1);
});

it("the script tests with a 32-bit program that starts in its only segment", () => {
  const text = readFileSync(SCRIPT, "utf8").replace(/^chmod /m, 'cat "$folder/end"\n$&');
  const { stdout } = spawnSync("sh", ["-c", text], { env: { ...process.env, XDG_CACHE_HOME: cache } });
  expect(stdout.subarray(0, 6).toString("latin1")).toBe("\x7fELF\x01\x01");
  const [type, machine, entry, phoff] = [
    stdout.readUInt16LE(16),
    stdout.readUInt16LE(18),
    stdout.readUInt32LE(24),
    stdout.readUInt32LE(28),
  ];
  expect([type, machine, phoff]).toEqual([2, 3, 52]);
  const [kind, offset, address, , fileSize, memorySize] = [0, 4, 8, 12, 16, 20].map((at) =>
    stdout.readUInt32LE(phoff + at),
  );
  expect([kind, offset, fileSize, memorySize]).toEqual([1, 0, stdout.length, stdout.length]);
  expect(stdout.subarray(entry - address!).toString("hex")).toBe("31dbb32a31c040cd80");
});
