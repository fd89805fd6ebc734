// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "install": reads the new disk again, bypassing the cache, and checks that it is complete.

import { fail } from "../../../common/fail.ts";
import { saidOr } from "../../host/found-text.ts";
import { hasBootCode } from "../../install/bootloader.ts";
import { HERE } from "../../install/choose.ts";
import { partitionPath } from "../../install/disks.ts";
import { planMove } from "../../install/move.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { isMove } from "./check.ts";
import type { InstallAnswers } from "./questions.ts";

export async function verify(answers: InstallAnswers, tools: StepTools): Promise<Warning[]> {
  if (!isMove(answers)) return [];
  const { box, progress } = tools;
  progress("progress.install.check");
  const { source, target, layout } = await planMove(answers.to ?? HERE, tools);
  const boot = partitionPath(target.path, layout.boot);
  const root = partitionPath(target.path, layout.root);
  for (const device of [boot, root]) await box.run("blockdev", ["--flushbufs", device]);
  const checks = [await box.run("e2fsck", ["-f", "-n", root]), await box.run("fsck.fat", ["-n", boot])];
  const bad = checks.find(({ code }) => code !== 0);
  if (bad || !(await hasBootCode(box, layout, source, target))) {
    fail({
      code: "install-damaged",
      what: "What is read from the disk differs from what was written.",
      ...saidOr((bad?.stderr || bad?.stdout || "").trim().split("\n").at(-1) ?? "", "found.boot-code"),
      hint: "Try again. If it fails again, the disk is broken: choose another one.",
    });
  }
  return [];
}
