// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox <step> setup`: sets up one step of a configured box again, on this terminal or by a file.

import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { Failure, fail } from "../../common/fail.ts";
import { say } from "../../common/say.ts";
import { textOf } from "../../common/text-encoding.ts";
import { type OpenPort, standardPort } from "../console/device.ts";
import { type Outcome, runThrough, talkThrough } from "../console/one-step.ts";
import { takeAuthorities } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { type ImageInfo, readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { type Log, openLog } from "../host/log.ts";
import { paths } from "../host/paths.ts";
import { SetupRunner } from "../setup/runner.ts";
import { oneStepCourse } from "../setup/single-step-flow.ts";
import type { Step } from "../setup/step.ts";
import { steps } from "../steps/index.ts";
import { refreshMotd } from "./motd.ts";
import { needRoot } from "./root.ts";

export async function stepSetup(step: Step, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { answers: { type: "string" } } });
  needRoot(`cbox ${step.id} setup`);
  await alone(async () => {
    const log = openLog(linuxBox());
    const box = linuxBox({ onCommand: log });
    const file = values.answers === undefined ? undefined : await readAnswersFile(values.answers);
    if (file === undefined && !process.stdin.isTTY) {
      fail({
        code: "terminal-needed",
        ...errorText("error.terminal-needed", { command: `sudo cbox ${step.id} setup --answers FILE` }),
      });
    }
    const image = await readImageInfo(box);
    // The file may have been added since the set-up.
    await takeAuthorities(box, image, log);
    const tools = { box, image, steps, log };
    const outcome = await setUpStep(tools, step, file === undefined ? { port: standardPort() } : { file });
    await log.tail(1);
    await refreshMotd(box, image, { isSetUp: true });
    if (outcome !== "done") process.exitCode = outcome === "interrupted" ? 130 : 1;
  });
}

export interface StepSetupTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
}

export type StepSetupWay =
  | { readonly port: OpenPort }
  | { readonly file: string; readonly print?: (line: string) => void };

/** Fails with `not-configured`, `step-not-here`, and with the errors of a set-up by file. */
export async function setUpStep(tools: StepSetupTools, step: Step, way: StepSetupWay): Promise<Outcome> {
  const { box, image, log } = tools;
  if (!(await box.exists(paths.configured))) {
    fail({ code: "not-configured", ...errorText("error.not-configured") });
  }
  if ((await step.isApplicable?.(box, image)) === false) {
    fail({ code: "step-not-here", ...errorText("error.step-not-here", { step: step.id }) });
  }
  const state = paths.setupState(step.id);
  const isByFile = "file" in way;
  // A file has all answers: there is nothing to resume.
  if (isByFile) await box.remove(state);
  log(`set-up of ${step.id}`);
  const flow = oneStepCourse(tools, step, isByFile ? { file: way.file } : {});
  const runner = await SetupRunner.open({ ...tools, steps: [step], flow });
  const forget = async () => {
    // A snapshot may still be being written.
    await runner.kept();
    await box.remove(state);
  };
  try {
    const outcome = isByFile
      ? await runThrough(runner, way.print ?? say)
      : await talkThrough(runner, step, way.port);
    if (outcome !== "interrupted") await forget();
    return outcome;
  } catch (error) {
    if (isByFile) await forget();
    throw error;
  } finally {
    if (!isByFile) way.port.close();
  }
}

/** "-": standard input. */
async function readAnswersFile(name: string): Promise<string> {
  try {
    const bytes = name === "-" ? await buffer(process.stdin) : await readFile(name);
    return textOf(bytes, name);
  } catch (error) {
    if (error instanceof Failure) throw error;
    return fail({
      code: "answers-unreadable",
      ...errorText("error.answers-unreadable", { name }),
      found: (error as NodeJS.ErrnoException).code ?? "",
    });
  }
}
