// SPDX-License-Identifier: GPL-3.0-or-later
// docs/errors.md lists every code a person can meet at the command line, in order.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";

const documented = [
  ...readFileSync(join(PROJECT, "docs/errors.md"), "utf8")
    .split("## Mistakes")[0]!
    .matchAll(/^\| `([a-z-]+)` \|/gm),
].map((match) => match[1]!);

/** Codes in calls of `fail({ code: "…"` and `new Failure({ code: "…"`. */
function codesIn(folder: string): string[] {
  return readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => [
      ...readFileSync(join(PROJECT, folder, name), "utf8").matchAll(
        /(?:fail|Failure)\(\s*\{\s*code: "([a-z-]+)"/g,
      ),
    ])
    .map((match) => match[1]!);
}

it("docs/errors.md documents every error code, and no other", () => {
  const used = [
    ...new Set([...codesIn("image"), ...codesIn("common"), ...codesIn("test/lab"), ...codesIn("firstboot")]),
  ];
  // Those of the shell scripts: the launcher, and what converts a machine.
  const scripts = ["cbox", "image/convert/head.sh"].flatMap((name) => [
    ...readFileSync(join(PROJECT, name), "utf8").matchAll(/(?:stop|refuse) ([a-z-]+) "/g),
  ]);
  expect(documented).toEqual([...new Set([...used, ...scripts.map((match) => match[1]!)])].sort());
});
