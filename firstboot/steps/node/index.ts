// SPDX-License-Identifier: GPL-3.0-or-later
// Step "node": puts the box on the community's map, as a device of a node. Needs the member's password.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, type NodeFacts } from "./check.ts";
import { lookUp } from "./look-up.ts";
import { probe } from "./probe.ts";
import { type NodeAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { summary } from "./review.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const node = defineStep<NodeAnswers, NodeFacts>({
  id: "node",
  schema,
  skippable: true,
  secretsFrom: ["member"],
  probe,
  lookUp: { paths: ["id"], run: lookUp },
  check,
  summary,
  apply,
  verify,
  status,
  reset,
});
