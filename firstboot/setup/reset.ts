// SPDX-License-Identifier: GPL-3.0-or-later
// Resets the box to the state before the set-up: undoes the steps, last step first. A marker on the disk says that a
// reset has begun; after a power cut the set-up service completes it before anything else.

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import { type ConsoleInfo, type ImageInfo, loginUnit } from "../host/image-info.ts";
import type { Log } from "../host/log.ts";
import { paths } from "../host/paths.ts";
import { toTrouble } from "../host/trouble.ts";
import { english } from "../i18n/translate.ts";
import { retireAnswers } from "./answers/file.ts";
import { readMarker } from "./marker.ts";
import type { Step } from "./step.ts";

export interface PendingReset {
  readonly keepData: boolean;
}

export async function beginReset(box: Box, reset: PendingReset): Promise<void> {
  await box.writeFile(paths.resetting, `${JSON.stringify(reset)}\n`);
}

/** The reset that was begun, if any. With an unreadable marker no data is deleted. */
export async function pendingReset(box: Pick<Box, "readFile">): Promise<PendingReset | undefined> {
  const text = await box.readFile(paths.resetting);
  if (text === undefined) return undefined;
  const { keepData = true } = parseJson<Partial<PendingReset>>(text, {});
  return { keepData };
}

export interface ResetTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
}

/** Repeated from the start after a power cut. Throws when the box would be left accessible. */
export async function completeReset(tools: ResetTools, { keepData }: PendingReset): Promise<void> {
  const { box, image, steps, log } = tools;
  log(`reset, ${keepData ? "data stays" : "all goes"}`);
  await endLogins(box, image.consoles);
  const hash = (await readMarker(box))?.answers_file;
  try {
    await retireAnswers(box, image, { hash, keep: keepData });
  } catch (error) {
    log(`answers.yaml could not be put aside: ${toTrouble(error).what}`);
  }
  await box.remove(paths.configured);
  for (const step of [...steps].reverse()) {
    const progress = (key: Parameters<typeof english>[0], values = {}) => log(english(key, values));
    log(`reset ${step.id}`);
    try {
      await step.reset?.(box, image, { keepData, progress });
    } catch (error) {
      log(`reset ${step.id}: ${toTrouble(error).what}`);
      // A service that does not stop must not prevent the other resets; a step that keeps the box safe must.
      if (!step.skippable) throw error;
    }
  }
  for (const { id } of steps) await box.remove(paths.setupState(id));
  for (const path of [paths.state, paths.answersKept, paths.issue, paths.motd, paths.motdAtStart])
    await box.remove(path);
  await box.remove(paths.resetting);
}

/** Stops the login prompts: the set-up uses the consoles again. */
async function endLogins(box: Box, consoles: readonly ConsoleInfo[]): Promise<void> {
  if (consoles.length) await box.run("systemctl", ["stop", ...consoles.map(loginUnit)]);
}
