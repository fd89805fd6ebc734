// SPDX-License-Identifier: GPL-3.0-or-later
// Step "contexts": the box is divided into the host, the owner's context and the community's, by Incus.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { type ContextsFacts, check } from "./check.ts";
import { probe } from "./probe.ts";
import { type ContextsAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const contexts = defineStep<ContextsAnswers, ContextsFacts>({
  id: "contexts",
  schema,
  skippable: true,
  probe,
  check,
  apply,
  verify,
  status,
  reset,
});
