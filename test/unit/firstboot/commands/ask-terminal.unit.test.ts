// SPDX-License-Identifier: GPL-3.0-or-later
// A question of a command on a real terminal: its answer, and who leaves it by Ctrl-C or Ctrl-D.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../../../common/errors.ts";
import { Failure } from "../../../../common/fail.ts";
import { ending } from "../../../../firstboot/commands/ending.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const source = (path: string) => JSON.stringify(join(PROJECT, path));

/** What stands on the terminal, line by line, and the exit code, when `keys` are pressed at the question. */
async function ask(options: object, keys: string): Promise<{ shown: string[]; code: number }> {
  const program = join(temporaryDirectory(), "ask.mts");
  writeFileSync(
    program,
    `import { askTerminal } from ${source("common/ask-terminal.ts")};
import { ending } from ${source("firstboot/commands/ending.ts")};
askTerminal("Sure?", ${JSON.stringify(options)}).then(
  (answer) => console.log("taken: <" + answer + ">"),
  (thrown) => {
    const { text, code } = ending(thrown);
    process.stderr.write(text);
    process.exit(code);
  },
);
`,
  );
  const child = spawn("script", ["-qefc", `node --import tsx ${program}`, "/dev/null"], { cwd: PROJECT });
  let shown = "";
  let isAsked = false;
  child.stdout.on("data", (bytes: Buffer) => {
    shown += bytes.toString();
    if (isAsked || !shown.includes("Sure? ")) return;
    isAsked = true;
    child.stdin.write(keys);
  });
  const [code] = await once(child, "close");
  const lines = shown.replace(/\x1b\[[0-9;]*[A-Z]/g, "").split(/[\r\n]+/);
  return { shown: lines.map((line) => line.trim()).filter(Boolean), code };
}

const [CTRL_C, CTRL_D] = ["\x03", "\x04"];

test.each([
  ["Ctrl-C", {}, CTRL_C],
  ["Ctrl-C in the middle of the answer", { isDeliberate: true }, `can-bru${CTRL_C}`],
  ["Ctrl-D", {}, CTRL_D],
  ["Ctrl-C at a secret", { isSecret: true }, `vila${CTRL_C}`],
])("%s ends a question with exit code 130 and prints nothing", async (_what, options, keys) => {
  const { shown, code } = await ask(options, keys);
  expect(code).toBe(130);
  expect(new Set(shown.map((line) => line.replace("can-bru", "").trim()))).toEqual(new Set(["Sure?"]));
});

test("a question returns the typed answer, and does not show a secret one", async () => {
  expect(await ask({ isDeliberate: true }, "can-bruixa\r")).toMatchObject({ code: 0 });
  const { shown, code } = await ask({ isSecret: true }, "vilanova\r");
  expect([shown, code]).toEqual([["Sure?", "taken: <vilanova>"], 0]);
});

test("a failed command prints its reason; an interrupted one prints nothing", () => {
  const failure = (code: ErrorCode, exitCode: number) =>
    Failure.again({ code, what: "It went wrong.", exitCode });
  expect(ending(failure("box-full", 1))).toEqual({ text: "error: It went wrong. [box-full]\n", code: 1 });
  expect(ending(failure("interrupted", 130))).toEqual({ text: "", code: 130 });
  expect(ending(new Error("a mistake")).code).toBe(70);
});

test("no command asks by other means than ask-terminal.ts", () => {
  const files = ["common", "firstboot", "image"].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );
  const asking = files.filter((file) => /\.question\(/.test(readFileSync(join(PROJECT, file), "utf8")));
  expect(asking).toEqual(["common/ask-terminal.ts"]);
});
