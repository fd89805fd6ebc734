// SPDX-License-Identifier: GPL-3.0-or-later
// One set-up at a time, and no crash that locks the box for ever.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inTurn } from "../../../../common/lock.ts";
import { alone, lockSetup } from "../../../../firstboot/host/lock.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { failureOf } from "../../../failure-of.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cbox-lock-"));
  path = join(directory, "run/setup.lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("the lock is refused to a second process until the first releases it", async () => {
  const release = await lockSetup(path);
  expect(await failureOf(() => lockSetup(path))).toMatchObject({
    code: "setup-busy",
    found: `process ${process.pid}`,
  });
  await release();
  await (await lockSetup(path))();
});

test.each([
  ["a process that is gone", "4194304 1"],
  ["a process that has the number of one that is gone", `${process.pid} 1`],
  ["half a line", "12"],
  ["nothing", ""],
])("a lock file with %s is ignored", async (_whose, content) => {
  await (await lockSetup(path))();
  writeFileSync(path, content);
  const release = await lockSetup(path);
  expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
  await release();
});

test("the lock is released after a failure", async () => {
  const broken = () => Promise.reject(new Error("broken"));
  await expect(alone(broken, path)).rejects.toThrow("broken");
  await expect(inTurn(path, broken)).rejects.toThrow("broken");
  expect(await alone(async () => "done", path)).toBe("done");
});

test("many processes that want the lock at the same time run one after the other", async () => {
  const steps = join(directory, "steps");
  const program = `
    const { inTurn } = await import(${JSON.stringify(join(PROJECT, "common/lock.ts"))});
    const { appendFileSync } = await import("node:fs");
    await inTurn(${JSON.stringify(path)}, async () => {
      appendFileSync(${JSON.stringify(steps)}, "in ");
      await new Promise((resolve) => setTimeout(resolve, 100));
      appendFileSync(${JSON.stringify(steps)}, "out ");
    });`;
  const all = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      cwd: PROJECT,
      stdio: "inherit",
    });
    return once(child, "exit");
  });
  expect((await Promise.all(all)).map(([code]) => code)).toEqual([0, 0, 0, 0]);
  expect(readFileSync(steps, "utf8")).toBe("in out ".repeat(4));
}, 600_000);
