// SPDX-License-Identifier: GPL-3.0-or-later
// Step "install": a box that started from a stick is copied to its own disk before anything is set up. The set-up
// continues there, after a restart without the stick.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, type InstallFacts, isMove, missingErase } from "./check.ts";
import { lookUp } from "./look-up.ts";
import { isApplicable, probe } from "./probe.ts";
import { type InstallAnswers, schema } from "./questions.ts";
import { canResume } from "./resume.ts";
import { summary } from "./review.ts";
import { verify } from "./verify.ts";

export const install = defineStep<InstallAnswers, InstallFacts>({
  id: "install",
  schema,
  skippable: false,
  isApplicable,
  relocatesBox: isMove,
  canResume,
  probe,
  lookUp,
  check,
  missing: missingErase,
  summary,
  apply,
  verify,
});
