// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox steps new`: a folder and a place in the list, in a copy of what it changes.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { STEP_TEXTS, stepTexts } from "../../../../docs/step-texts.ts";
import { COMMANDS } from "../../../../firstboot/commands/index.ts";
import { STEPS_COMMANDS, TAKEN } from "../../../../image/commands/steps.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const LIST = "firstboot/steps/index.ts";

const TOOLS = join(PROJECT, "node_modules/.bin");

let project = "";
let ran: string[] = [];
beforeEach(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  project = temporaryDirectory();
  ran = [];
  for (const part of ["firstboot", "common", "biome.json", "tsconfig.json", "package.json"])
    cpSync(join(PROJECT, part), join(project, part), { recursive: true });
});

const create = (id: string) =>
  STEPS_COMMANDS.new(id, { project, run: (command, args) => void ran.push([command, ...args].join(" ")) });
const read = (path: string) => readFileSync(join(project, path), "utf8");
const said = (program: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(join(TOOLS, program), args, {
    cwd: project,
    encoding: "utf8",
  });
  return status === 0 ? "" : stdout + stderr;
};

test("writes the folder, and the step as the last one of the list", async () => {
  const before = read(LIST);
  await create("madeup");
  const files = readdirSync(join(project, "firstboot/steps/madeup"), { recursive: true, encoding: "utf8" });
  expect(files.filter((file) => file.endsWith(".ts")).sort()).toEqual([
    ...["apply.ts", "check.ts", "index.ts", "questions.ts"],
    ...["texts/ca.ts", "texts/en.ts", "texts/es.ts", "verify.ts"],
  ]);
  const [added, removed] = [
    read(LIST)
      .split("\n")
      .filter((line) => !before.split("\n").includes(line)),
    before.split("\n").filter((line) => !read(LIST).split("\n").includes(line)),
  ];
  expect(added).toEqual([
    'import { madeup } from "./madeup/index.ts";',
    expect.stringMatching(/^export const steps: readonly Step\[\] = \[.+, madeup\];$/),
  ]);
  expect(removed).toHaveLength(1);
  expect(ran).toEqual([`${TOOLS}/biome check --write firstboot/steps/madeup ${LIST}`, "npm run docs"]);
});

test("what it wrote passes the linter and the type check", async () => {
  await create("madeup");
  writeFileSync(join(project, STEP_TEXTS), stepTexts(project));
  symlinkSync(join(PROJECT, "node_modules"), join(project, "node_modules"));
  // The list's import is put into its order by the command itself.
  expect(said("biome", "check", "--write", LIST)).toBe("");
  expect(said("biome", "check", "firstboot")).toBe("");
  expect(said("tsc", "--noEmit")).toBe("");
  expect(read(STEP_TEXTS)).toContain('...(enMadeup satisfies StepNames<"madeup">)');
});

describe("a name is refused", () => {
  test.each([
    ["Example", "capital letters"],
    ["my-step", "a hyphen"],
    ["a", "too short"],
    ["../x", "a path"],
    ["class", "a word of the language"],
    ["status", "a command of the box"],
  ])("%s: %s", async (id) => {
    expect(await failureOf(() => create(id))).toMatchObject({
      code: "usage",
      message: `"${id}" cannot be the name of a step.`,
      found: expect.stringContaining("expected"),
      hint: expect.stringContaining("./cbox steps new"),
      exitCode: 2,
    });
    expect(ran).toEqual([]);
  });

  test("that a step has", async () => {
    const before = read(LIST);
    expect(await failureOf(() => create("vpn"))).toMatchObject({
      code: "usage",
      message: 'There is a step "vpn" already.',
      found: "firstboot/steps/vpn",
    });
    expect(read(LIST)).toBe(before);
  });

  test("that is a command of the box", () => {
    expect(TAKEN).toEqual(
      expect.arrayContaining(Object.keys(COMMANDS).filter((name) => !name.includes("-"))),
    );
  });
});
