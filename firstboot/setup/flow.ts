// SPDX-License-Identifier: GPL-3.0-or-later
// What differs between the set-up at first boot and setting up one step again: where the answers come from, where the
// snapshot is kept, who gets the report, and how it ends.

import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Log } from "../host/log.ts";
import { paths } from "../host/paths.ts";
import { readAnswers } from "./answers/file.ts";
import { appliedIds, makeReport, writeReport } from "./answers/report.ts";
import { finish } from "./finish.ts";
import { type FoundAnswers, MOVED, type SetupContext } from "./machine.ts";
import type { Secrets } from "./secrets.ts";
import type { Step, Warning } from "./step.ts";

export interface SetupFlow {
  /** File of the snapshot. */
  readonly state: string;
  /** Steps that are not set up now, but whose answers the others may ask for. */
  readonly others: readonly Step[];
  /** Whether an interrupted set-up still applies to this box; true when left out. */
  canResume?(state: string, context: SetupContext): Promise<boolean>;
  /** Repeated after a power cut, to get the secrets again. */
  read(secrets: Secrets): Promise<FoundAnswers>;
  /** Reports to the person who provided an answers file. */
  report(context: SetupContext): Promise<void>;
  /** Idempotent: a power cut repeats it. */
  finish(context: SetupContext): Promise<readonly Warning[]>;
}

export interface CourseTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly log: Log;
}

/** States of a set-up before the first answer: there is nothing to save or to resume. */
export const UNBEGUN: readonly string[] = ["reading", "welcome", "file_refused"];

/** By answers.yaml on the boot partition or by hand; ends with a configured box. */
export function firstBootCourse(tools: CourseTools): SetupFlow {
  const { box, image, steps } = tools;
  return {
    state: paths.state,
    others: [],
    canResume: async (state, { answers }) => {
      // Before the first answer: an answers file that was added or corrected in the meantime is read.
      if (UNBEGUN.includes(state)) return false;
      for (const step of steps.filter(({ canResume }) => canResume)) {
        const isApplied = state === MOVED;
        if (!(await step.canResume?.(box, image, answers[step.id] ?? {}, isApplied))) return false;
      }
      return true;
    },
    read: (secrets) => readAnswers({ box, image, steps, secrets }),
    report: (context) =>
      writeReport(box, image, makeReport(context, appliedIds(steps, context), image, box.now())),
    finish: (context) => finish(context, tools),
  };
}
