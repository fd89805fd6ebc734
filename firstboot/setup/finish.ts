// SPDX-License-Identifier: GPL-3.0-or-later
// The last effect of the set-up: keeps the answers, reports, wipes the secrets, then marks the box configured.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Log } from "../host/log.ts";
import { answersPaths, paths } from "../host/paths.ts";
import { toTrouble } from "../host/trouble.ts";
import { answersFileHash, wipeAnswers } from "./answers/file.ts";
import { appliedIds, makeReport, writeKeptAnswers, writeReport } from "./answers/report.ts";
import type { SetupContext } from "./machine.ts";
import { writeMarker } from "./marker.ts";
import type { Step, Warning } from "./step.ts";

export interface FinishTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
}

/** Repeated from the start after a power cut: every line is idempotent. */
export async function finish(context: SetupContext, tools: FinishTools): Promise<Warning[]> {
  const { box, image } = tools;
  await writeKeptAnswers(box, context);
  const warnings = await settleAnswersFile(context, tools);
  await box.writeFile(paths.issue, issueText(context));
  await writeMarker(box, {
    configured: box.now().toISOString(),
    version: image.version,
    providedSecrets: context.providedSecrets,
    warnings: [...context.warnings, ...warnings],
    answers_file: await answersFileHash(box, image),
  });
  return warnings;
}

/** The boot partition may be read-only, full or missing. Then the report fails, but not the set-up. */
async function settleAnswersFile(context: SetupContext, tools: FinishTools): Promise<Warning[]> {
  const { box, image, steps, log } = tools;
  if (!(await box.exists(answersPaths(image.boot_mount).answers))) return [];
  try {
    await writeReport(box, image, makeReport(context, appliedIds(steps, context), image, box.now()));
    if (await wipeAnswers({ box, image, steps })) log("secrets wiped from answers.yaml");
    return [];
  } catch (error) {
    log(`answers.yaml could not be settled: ${toTrouble(error).what}`);
    return [{ code: "answers-not-wiped" }];
  }
}

/** Shown by every login prompt; agetty fills in the current host name and address. */
function issueText(context: SetupContext): string {
  const owner = context.answers.system?.owner;
  const name = typeof owner === "object" && owner !== null && "name" in owner ? String(owner.name) : "";
  return `Community Box \\n at \\4\nLog in here, or with: ssh ${name}@\\4\n\n`;
}
