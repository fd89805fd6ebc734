// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox setup`: the whole set-up on the terminal where it was typed, or by an answers file. For converted machines,
// whose consoles must keep their log-ins.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { fail } from "../../common/fail.ts";
import { say } from "../../common/say.ts";
import { textOf } from "../../common/text-encoding.ts";
import { servePort } from "../console/consoles.ts";
import { leavablePort, standardPort } from "../console/device.ts";
import { runThrough } from "../console/one-step.ts";
import { ControlLock } from "../console/session.ts";
import { takeAuthorities } from "../host/authorities.ts";
import { errorText } from "../host/error-text.ts";
import { type ImageInfo, readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { type Log, openLog } from "../host/log.ts";
import { answersPaths, paths } from "../host/paths.ts";
import { translator } from "../i18n/translate.ts";
import { completeReset, pendingReset } from "../setup/reset.ts";
import { SetupRunner } from "../setup/runner.ts";
import { steps, stepsHere } from "../steps/index.ts";
import { refreshMotd } from "./motd.ts";
import { needRoot } from "./root.ts";

const COMMAND = "sudo cbox setup";

export async function setup(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { answers: { type: "string" } } });
  needRoot("cbox setup");
  const log = openLog(linuxBox());
  const box = linuxBox({ onCommand: log });
  const image = await readImageInfo(box);
  await refuse(image, await box.exists(paths.configured), values.answers !== undefined);
  await alone(async () => {
    const reset = await pendingReset(box);
    if (reset) await completeReset({ box, image, steps, log }, reset);
    if (values.answers !== undefined) {
      const file = await readFile(values.answers).catch((error: NodeJS.ErrnoException) =>
        fail({
          code: "answers-unreadable",
          ...errorText("error.answers-unreadable", { name: values.answers ?? "" }),
          found: error.code ?? "",
        }),
      );
      const text = textOf(file, values.answers);
      await box.writeFile(answersPaths(image.boot_mount).answers, text, { mode: 0o600 });
      // A new answers file replaces an interrupted set-up.
      await box.remove(paths.state);
    }
    await takeAuthorities(box, image, log);
    const runner = await SetupRunner.open({ box, image, steps: await stepsHere(box, image), log });
    if (values.answers === undefined) await talk(runner, log);
    else await runThrough(runner, say);
    await log.tail(1);
    await refreshMotd(box, image, { isSetUp: true });
  });
}

async function refuse(image: ImageInfo, isConfigured: boolean, isByFile: boolean): Promise<void> {
  if (!image.converted) {
    fail({
      code: "setup-elsewhere",
      ...errorText("error.setup-elsewhere"),
      found: image.consoles.map(({ device }) => device).join(", "),
    });
  }
  if (isConfigured) {
    fail({ code: "configured", ...errorText("error.configured") });
  }
  if (isByFile || process.stdin.isTTY) return;
  fail({
    code: "terminal-needed",
    ...errorText("error.terminal-needed", { command: `${COMMAND} --answers FILE` }),
  });
}

async function talk(runner: SetupRunner, log: Log): Promise<void> {
  const port = leavablePort(standardPort());
  runner.start();
  const isLeft = await servePort(runner, new ControlLock(), port);
  if (!isLeft) return;
  log("the set-up was left");
  runner.stop();
  port.close();
  say("");
  say(translator(runner.language)("setup.interrupted", { command: COMMAND }));
  process.exitCode = 130;
}
