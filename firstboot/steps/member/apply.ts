// SPDX-License-Identifier: GPL-3.0-or-later
// Confirms the member with the community's servers and stores the confirmed name; the password is not stored.

import { fail } from "../../../common/fail.ts";
import { remember } from "../../guifi/store.ts";
import { sayFound } from "../../host/found-text.ts";
import type { StepTools } from "../../setup/step.ts";
import { confirmMember } from "./confirm.ts";
import { type MemberAnswers, signsIn } from "./questions.ts";

export async function apply(answers: MemberAnswers, { box, image, progress }: StepTools): Promise<void> {
  const { username = "", password } = answers;
  if (!signsIn(answers)) {
    progress("progress.member.later");
    return remember(box, { member: undefined });
  }
  // Already applied, and the password was lost in a power cut since: it is not needed again.
  if (password === undefined) return;
  progress("progress.member.ask", { username });
  const found = await confirmMember(box, image, { username, password });
  if (found.result === "accepted") {
    return remember(box, { member: { name: username, confirmed_by: found.by } });
  }
  await remember(box, { member: undefined });
  if (found.result === "silent") {
    return fail({
      code: "member-unasked",
      what: "Neither the directory of members nor the web site can be asked.",
      found: [found.trouble.what, found.trouble.found].filter(Boolean).join(" "),
      hint: "Try again, or sign in later: cbox member setup.",
    });
  }
  return fail({
    code: "member-refused",
    what: "The community does not know this user name with this password.",
    ...sayFound(found.isSure ? "found.site-no" : "found.directory-no"),
    hint: "Change the answers and try again, or sign in later.",
  });
}
