// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox steps new`: begins a step of the set-up: its folder, its place in the list, and the files that follow from
// them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { fail } from "../../common/fail.ts";
import { say } from "../../common/say.ts";
import { PROJECT } from "../host/paths.ts";
import { stepFiles, withStep } from "../step-scaffold.ts";

const STEPS = "firstboot/steps";
const LIST = `${STEPS}/index.ts`;
const NAME = /^[a-z][a-z0-9]{1,19}$/;
/** Commands of the box, a key of answers files, and folders that a step does not import from. */
export const TAKEN = [
  ...["firstboot", "setup", "status", "reset", "publish", "search", "help"],
  ...["version", "commands", "simulator", "image", "test"],
];

export interface NewStepTools {
  /** The folder of the project. */
  readonly project?: string;
  /** Runs a program of the project there; throws when it fails. */
  readonly run?: (command: string, args: readonly string[], project: string) => void;
}

export const STEPS_COMMANDS = { new: create };

/** Fails with `usage`. */
async function create(id: string, { project = PROJECT, run = runIn }: NewStepTools = {}): Promise<void> {
  if (!NAME.test(id) || TAKEN.includes(id) || isReserved(id)) {
    fail({
      code: "usage",
      what: `"${id}" cannot be the name of a step.`,
      found: "expected 2 to 20 lower-case letters and digits, no word of the language or command of the box",
      hint: "./cbox steps new backup",
      exitCode: 2,
    });
  }
  const folder = `${STEPS}/${id}`;
  if (existsSync(join(project, folder))) {
    fail({
      code: "usage",
      what: `There is a step "${id}" already.`,
      found: folder,
      hint: "./cbox steps new with another name",
      exitCode: 2,
    });
  }
  for (const [name, text] of Object.entries(stepFiles(id))) {
    const path = join(project, folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    say(`${folder}/${name}`);
  }
  writeFileSync(join(project, LIST), withStep(readFileSync(join(project, LIST), "utf8"), id));
  say(LIST);
  run(join(PROJECT, "node_modules/.bin/biome"), ["check", "--write", folder, LIST], project);
  run("npm", ["run", "docs"], project);
  say("");
  say(`Fill in what says WRITE in ${folder}, and move the step to its place in ${LIST}.`);
  say("Then: npm run docs && npm run typecheck && ./cbox test --unit");
}

/** A word such as "class", which cannot name a constant. */
function isReserved(id: string): boolean {
  try {
    new Script(`"use strict"; let ${id};`);
    return false;
  } catch {
    return true;
  }
}

function runIn(command: string, args: readonly string[], project: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: project, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr || stdout}`);
}
