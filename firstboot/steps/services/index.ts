// SPDX-License-Identifier: GPL-3.0-or-later
// Step "services": discovery by Serf, unless the owner declines, and the other services of the catalogue that are
// wanted and can work here. A service that fails stops neither the others nor the set-up.

import { type Answers, defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, type ServicesFacts } from "./check.ts";
import { generatedCredentials } from "./credentials.ts";
import { lookUp } from "./look-up.ts";
import { probe } from "./probe.ts";
import { schema } from "./questions.ts";
import { reset } from "./reset.ts";
import { summary } from "./review.ts";
import { servicesStatus } from "./status.ts";
import { verify } from "./verify.ts";

export const services = defineStep<Answers, ServicesFacts>({
  id: "services",
  schema,
  skippable: true,
  // Needed to declare a service at the community's web site.
  secretsFrom: ["member"],
  probe,
  check,
  lookUp,
  summary,
  apply,
  verify,
  status: servicesStatus,
  generatedCredentials,
  reset,
});
