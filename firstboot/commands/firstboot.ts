// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox firstboot`: the set-up service. One process for all consoles; ends by starting the login prompts.

import { parseArgs } from "node:util";
import { say } from "../../common/say.ts";
import { serveConsoles, servePort } from "../console/consoles.ts";
import { leavablePort, standardPort } from "../console/device.ts";
import { ControlLock } from "../console/session.ts";
import { takeAuthorities } from "../host/authorities.ts";
import type { Box } from "../host/box.ts";
import { type ConsoleInfo, loginUnit, readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { lockSetup } from "../host/lock.ts";
import { openLog } from "../host/log.ts";
import { paths } from "../host/paths.ts";
import { translator } from "../i18n/translate.ts";
import { completeReset, pendingReset } from "../setup/reset.ts";
import { SetupRunner } from "../setup/runner.ts";
import { steps, stepsHere } from "../steps/index.ts";
import { refreshMotd } from "./motd.ts";

export async function firstboot(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { root: { type: "string" }, console: { type: "string" } },
  });
  if (values.root !== undefined) return dryRun(values.root);
  const log = openLog(linuxBox());
  const box = linuxBox({ onCommand: log });
  const reset = await pendingReset(box);
  if (!reset && (await box.exists(paths.configured))) return;
  const image = await readImageInfo(box);
  // A converted machine keeps its consoles: there `cbox setup` runs the set-up (setup.ts).
  if (!reset && image.converted) return;
  await lockSetup();
  if (!image.converted) silenceBootMessages();
  if (reset) await completeReset({ box, image, steps, log }, reset);
  if (image.converted) return;
  await takeAuthorities(box, image, log);
  const runner = await SetupRunner.open({ box, image, steps: await stepsHere(box, image), log });
  runner.start();
  await serveConsoles(runner, image.consoles);
  await log.tail(1);
  // Shown at the next log-in.
  await refreshMotd(box, image, { isSetUp: true });
  await startLogins(box, image.consoles);
}

/** The same wizard on this terminal, in a directory instead of on the box. */
async function dryRun(root: string): Promise<void> {
  const { dryRunBox } = await import("../simulator/dry-run.ts");
  const box = await dryRunBox(root);
  const runner = await SetupRunner.open({ box, image: await readImageInfo(box), steps, log: openLog(box) });
  runner.start();
  const port = leavablePort(standardPort());
  if (!(await servePort(runner, new ControlLock(), port))) return;
  runner.stop();
  port.close();
  const command = `firstboot --root ${root}`;
  say("");
  say(translator(runner.language)("setup.interrupted", { command }));
  process.exitCode = 130;
}

/** SIGRTMIN+21 (systemd(1)): no "[ OK ] Started ..." in the wizard. Nothing else writes to the consoles then. */
function silenceBootMessages(): void {
  const SIGRTMIN = 34;
  try {
    process.kill(1, SIGRTMIN + 21);
  } catch {
    // Only cosmetic.
  }
}

/**
 * The login prompts were skipped at boot, because the marker did not exist. A prompt for a missing console would wait
 * for its device.
 */
async function startLogins(box: Box, consoles: readonly ConsoleInfo[]): Promise<void> {
  const there = await Promise.all(consoles.map(({ device }) => box.exists(`/dev/${device}`)));
  const units = consoles.filter((_, index) => there[index]).map(loginUnit);
  if (units.length) await box.run("systemctl", ["start", "--no-block", ...units]);
}
