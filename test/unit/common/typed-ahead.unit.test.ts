// SPDX-License-Identifier: GPL-3.0-or-later
// A question on a real terminal, and an answer that was typed before it was asked.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT } from "../../../image/host/paths.ts";
import { temporaryDirectory } from "../../temporary.ts";

/** What the program takes for the answer when `early` is typed before and `late` after the question is shown. */
async function answer(early: string, late: string): Promise<string | undefined> {
  const program = join(temporaryDirectory(), "ask.mts");
  writeFileSync(
    program,
    `import { createInterface } from "node:readline/promises";
import { dropTypedAhead } from ${JSON.stringify(join(PROJECT, "common/typed-ahead.ts"))};
await dropTypedAhead(process.stdin as never);
const lines = createInterface({ input: process.stdin, output: process.stdout });
console.log("taken: <" + (await lines.question("Sure? ")) + ">");
lines.close();
`,
  );
  const child = spawn("script", ["-qefc", `node --import tsx ${program}`, "/dev/null"], { cwd: PROJECT });
  let shown = "";
  let isAsked = false;
  child.stdin.write(early);
  child.stdout.on("data", (bytes: Buffer) => {
    shown += bytes.toString();
    if (!isAsked && shown.includes("Sure? ")) {
      isAsked = true;
      child.stdin.write(late);
    }
  });
  await new Promise((resolve) => child.on("exit", resolve));
  return /taken: <(.*)>/.exec(shown)?.[1];
}

test.each([
  ["a whole line", "yes\r"],
  ["several, as of a key that was held", "\r\r\r"],
  ["the beginning of one", "ye"],
])("%s, typed before a question, does not answer it", async (_what, early) => {
  expect(await answer(early, "no\r")).toBe("no");
});
