// SPDX-License-Identifier: GPL-3.0-or-later
// Registers a box from a host of the lab: the step "node" of first boot with its real client, over the lab's network,
// with a directory in place of the box's file system. Prints what it does as lines of JSON. Arguments: the directory,
// "look-up" or "register", and the answers as JSON.
import { Failure } from "../../common/fail.ts";
import { readRegistration } from "../../firstboot/guifi/store.ts";
import { readImageInfo } from "../../firstboot/host/image-info.ts";
import { linuxBox } from "../../firstboot/host/linux.ts";
import type { Answers, StepTools, Warning } from "../../firstboot/setup/step.ts";
import { node } from "../../firstboot/steps/node/index.ts";

export type ClientLine =
  | { readonly progress: string; readonly values: object }
  | { readonly finding: object }
  | { readonly done: object; readonly warnings: readonly Warning[] }
  | { readonly failed: string; readonly what: string; readonly found: string };

const [root = "", what = "", given = "{}"] = process.argv.slice(2);
const answers = JSON.parse(given) as { readonly [step: string]: Answers };

const say = (line: ClientLine) => console.log(JSON.stringify(line));

const box = linuxBox({ root });
const tools: StepTools = {
  box,
  image: await readImageInfo(box),
  answersOf: (step) => answers[step] ?? {},
  signal: new AbortController().signal,
  skippedSteps: new Set(),
  providedSecrets: new Set(),
  progress: (key, values = {}) => say({ progress: key, values }),
};
const own = tools.answersOf(node.id);

try {
  if (what === "look-up") say({ finding: await node.lookUp!.run("id", own, tools) });
  else {
    await node.apply(own, tools);
    const warnings = await node.verify(own, tools);
    say({ done: await readRegistration(box), warnings });
  }
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  say({ failed: error.code, what: error.message, found: error.found ?? "" });
}
