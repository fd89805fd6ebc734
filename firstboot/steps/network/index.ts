// SPDX-License-Identifier: GPL-3.0-or-later
// Step "network": the interface, and DHCP or a static address. Waits for an address, but continues without one.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, missing, type NetworkFacts } from "./check.ts";
import { lookUp } from "./look-up.ts";
import { probe } from "./probe.ts";
import { type NetworkAnswers, schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const network = defineStep<NetworkAnswers, NetworkFacts>({
  id: "network",
  schema,
  skippable: true,
  isApplicable: async (_box, image) => image.converted !== true,
  probe,
  lookUp,
  check,
  missing,
  apply,
  verify,
  status,
  reset,
});
