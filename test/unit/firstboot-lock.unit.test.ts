// SPDX-License-Identifier: GPL-3.0-or-later
// One set-up at a time, and no crash that locks the box for ever.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockSetup } from "../../firstboot/lock.ts";
import { failureOf } from "../failure-of.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cbox-lock-"));
  path = join(directory, "run/setup.lock");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("whoever comes second is told, until the first lets go", async () => {
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
])("a lock of %s counts for nothing", async (_whose, content) => {
  await (await lockSetup(path))();
  writeFileSync(path, content);
  const release = await lockSetup(path);
  expect(readFileSync(path, "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\n$`));
  await release();
});
