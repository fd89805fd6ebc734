// SPDX-License-Identifier: GPL-3.0-or-later
// Step "member": the member who maintains the box. The password is checked as soon as it is typed, used again when
// applying, and needed by "node"; it is kept in memory only.

import { remember } from "../../guifi/store.ts";
import { defineStep, type ProbeResult } from "../../setup/step.ts";
import { apply } from "./apply.ts";
import { check } from "./check.ts";
import { lookUp } from "./look-up.ts";
import { probe } from "./probe.ts";
import { type MemberAnswers, schema, signsIn } from "./questions.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";

export const member = defineStep<MemberAnswers, ProbeResult>({
  id: "member",
  schema,
  skippable: true,
  probe,
  lookUp: { paths: ["password"], run: lookUp },
  check,
  summary: (answers, t) => (signsIn(answers) ? (answers.username ?? "") : t("option.member.sign_in.later")),
  apply,
  verify,
  status,
  reset: async (box) => remember(box, { member: undefined }),
});
