// SPDX-License-Identifier: GPL-3.0-or-later
// Step "system": language, time zone, host name and the owner's account; then enables SSH. For a converted machine,
// which has all that, see converted-host.ts.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, examine, type SystemFacts } from "./check.ts";
import * as kept from "./converted-host.ts";
import { lookUp } from "./keyboard.ts";
import { probe } from "./probe.ts";
import { type SystemAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { summary } from "./review.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const system = defineStep<SystemAnswers, SystemFacts | kept.KeptFacts>({
  id: "system",
  schema,
  skippable: false,
  probe: async (box, image, all) => (image.converted ? kept.probe : probe)(box, image, all),
  lookUp,
  check: (answers, facts, providedSecrets) =>
    "people" in facts ? kept.check(answers, facts) : check(answers, facts, providedSecrets),
  examine: async (answers, facts) => ("people" in facts ? [] : examine(answers, facts)),
  summary,
  apply: (answers, tools) => (tools.image.converted ? kept.apply : apply)(answers, tools),
  verify: (answers, tools) => (tools.image.converted ? kept.verify : verify)(answers, tools),
  status,
  reset,
});
