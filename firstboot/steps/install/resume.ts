// SPDX-License-Identifier: GPL-3.0-or-later
// Whether an interrupted installation still applies to this box.

import type { Box } from "../../host/box.ts";
import { type ImageInfo, minimumGib } from "../../host/image-info.ts";
import { chooseDisk, HERE } from "../../install/choose.ts";
import { readDisks } from "../../install/disks.ts";
import { isInstalled } from "../../install/record.ts";
import { isMove } from "./check.ts";
import type { InstallAnswers } from "./questions.ts";

/** The same stick is used for several boxes: an installation on another box must not be resumed here. */
export async function canResume(box: Box, image: ImageInfo, answers: InstallAnswers, isApplied: boolean) {
  if (!isMove(answers)) return true;
  const disks = await readDisks(box, minimumGib(image));
  if (isApplied) return isInstalled(box, disks);
  const disk = chooseDisk(disks, answers.to ?? HERE);
  return typeof disk === "object" && disk.fault === undefined;
}
