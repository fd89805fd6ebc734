// SPDX-License-Identifier: GPL-3.0-or-later
// The code that makes a layer is one of its inputs: what older code made is not taken from the cache.
import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codeOf } from "../../../../image/cache/code-of.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const STAGES = ["base", "rootfs", "context", "customize"];

/** Sums of the stages' code after a change to one file of a copy of the project. */
function after(file: string, change: (path: string) => void): string[] {
  const copy = temporaryDirectory();
  for (const part of ["image", "common", "package.json"])
    cpSync(join(PROJECT, part), join(copy, part), { recursive: true });
  change(join(copy, file));
  return Object.values(codeOf(...STAGES.map((stage) => join(copy, `image/stages/${stage}.ts`))));
}

function changed(sums: readonly string[]): string[] {
  const unchanged = Object.values(codeOf(...STAGES.map((stage) => `image/stages/${stage}.ts`)));
  return STAGES.filter((_, index) => sums[index] !== unchanged[index]);
}

const replace = (from: string, to: string) => (path: string) => {
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
};

test.each([
  ["image/stages/scrub.ts", "0o700", "0o755", ["rootfs", "context", "customize"]],
  ["image/debian/mmdebstrap.ts", "--mode=root", "--mode=other", ["base", "context"]],
  ["image/debian/live-build.ts", "lb chroot", "lb other", ["rootfs"]],
  ["image/stages/template.ts", '".hbs"', '".other"', ["customize"]],
])("a change of %s rebuilds the stages that use it, and no others", (file, from, to, stages) => {
  expect(changed(after(file, replace(from, to)))).toEqual(stages);
});

test("a change of comments, layout or unused functions rebuilds nothing", () => {
  const more = "\n/** Of no use to a stage. */\nexport function other() {\n  return 1;\n}\n";
  expect(changed(after("image/stages/scrub.ts", (path) => appendFileSync(path, more)))).toEqual([]);
});
