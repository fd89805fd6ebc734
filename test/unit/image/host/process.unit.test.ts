// SPDX-License-Identifier: GPL-3.0-or-later
// What a crash leaves behind is recognised, and nothing else.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { end, hostProcess, isAlive } from "../../../../image/host/process.ts";
import { makeScratch } from "../../../../image/host/scratch.ts";

test("a process is identified by its start time, not by its number alone", () => {
  const self = hostProcess()!;
  expect(self.pid).toBe(process.pid);
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, started: "another time" })).toBe(false);
});

test("ending a process waits until it is gone, and spares another process with its number", async () => {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const recorded = hostProcess(child.pid)!;
  await end({ ...recorded, started: "another time" });
  expect(isAlive(recorded)).toBe(true);
  await end(recorded);
  expect(hostProcess(child.pid)).toBeUndefined();
});

test("a scratch directory is removed with its process, along with those of dead processes", () => {
  const parent = mkdtempSync(join(tmpdir(), "cbox-scratch-"));
  try {
    const dead = join(parent, `${process.pid}.another-time.abc`);
    mkdirSync(dead);
    const first = makeScratch(parent);
    expect(existsSync(dead)).toBe(false);
    const second = makeScratch(parent);
    expect(existsSync(first.path)).toBe(true);
    first.remove();
    second.remove();
    expect(readdirSync(parent)).toEqual([]);
  } finally {
    rmSync(parent, { recursive: true });
  }
});
