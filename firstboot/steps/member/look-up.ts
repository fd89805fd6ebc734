// SPDX-License-Identifier: GPL-3.0-or-later
// Checks the password as soon as it is typed.

import { HIDDEN, problem } from "../../setup/problems.ts";
import type { Answers, Finding, LookUpTools } from "../../setup/step.ts";
import { confirmMember } from "./confirm.ts";
import { MEMBER_PASSWORD, type MemberAnswers } from "./questions.ts";

/** Timeout for the web site in milliseconds, while a person waits at the question. */
const PATIENCE = 4_000;

export async function lookUp(_path: string, answers: Answers, { box, image }: LookUpTools): Promise<Finding> {
  const { username, password } = answers as Partial<MemberAnswers>;
  if (username === undefined || password === undefined) return {};
  const found = await confirmMember(box, image, { username, password }, PATIENCE);
  if (found.result === "refused") {
    const code = found.isSure ? "sign-in-refused" : "sign-in-unsure";
    return { problems: [problem(MEMBER_PASSWORD, code, { found: HIDDEN })] };
  }
  if (found.result === "silent") return { notes: [{ key: "look-up.member.silent", values: {} }] };
  if (found.by === "directory") return {};
  return { notes: [{ key: `look-up.member.directory-${found.directory}`, values: {} }] };
}
