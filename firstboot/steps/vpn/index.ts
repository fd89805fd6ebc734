// SPDX-License-Identifier: GPL-3.0-or-later
// Step "vpn": joins the community's VPN by a rendezvous or by a bundle in the answers file, or leaves it. The box
// works without the VPN, and can join it later.

import { defineStep } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check, missing, type VpnFacts } from "./check.ts";
import { probe } from "./probe.ts";
import { schema, type VpnAnswers } from "./questions.ts";
import { reset } from "./reset.ts";
import { reviewNotes, summary } from "./review.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const vpn = defineStep<VpnAnswers, VpnFacts>({
  id: "vpn",
  schema,
  skippable: true,
  probe,
  check,
  missing,
  summary,
  reviewNotes,
  apply,
  verify,
  status,
  reset,
});
