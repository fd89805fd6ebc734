// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies that the member is stored, and collects warnings for that person.

import { fail } from "../../../common/fail.ts";
import { readRegistration } from "../../guifi/store.ts";
import { wayWarnings } from "../../guifi/way.ts";
import { isAuthorityIgnored } from "../../host/authorities.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { type MemberAnswers, signsIn } from "./questions.ts";

export async function verify(answers: MemberAnswers, { box, image }: StepTools): Promise<Warning[]> {
  const ignored = (await isAuthorityIgnored(box, image)) ? [{ code: "authority-ignored" }] : [];
  if (!signsIn(answers)) return [...ignored, { code: "member-later" }];
  const kept = (await readRegistration(box)).member;
  if (kept?.name !== answers.username) {
    return fail({
      code: "member-not-kept",
      what: "The box has not kept who looks after it.",
      hint: "Try again.",
    });
  }
  return [
    ...ignored,
    ...wayWarnings(image),
    ...(kept?.confirmed_by === "web-site" ? [{ code: "member-by-web-site" }] : []),
  ];
}
