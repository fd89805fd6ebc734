// SPDX-License-Identifier: GPL-3.0-or-later
// Checks only the form of the answers of "member"; whether someone is a member is checked by the community's servers.

import { HIDDEN, type Problem, problem } from "../../setup/problems.ts";
import type { DeepPartial, ProbeResult } from "../../setup/step.ts";
import { MEMBER_PASSWORD, type MemberAnswers, signsIn } from "./questions.ts";

/** The web site's limit. */
const LONGEST_NAME = 60;
const LONGEST_PASSWORD = 1000;

export function check(
  answers: DeepPartial<MemberAnswers>,
  _facts: ProbeResult,
  providedSecrets: ReadonlySet<string>,
): Problem[] {
  const { username } = answers;
  // The template of the answers file has "" for an answer that is left out.
  const password = answers.password || undefined;
  const found: Problem[] = [];
  // Members choose their names: any characters except those that only make sense to a program.
  if (username !== undefined && !isName(username)) {
    found.push(problem("member.username", "username-syntax", { found: username.slice(0, LONGEST_NAME) }));
  }
  if (password !== undefined && !isPassword(password)) {
    found.push(problem(MEMBER_PASSWORD, "sign-in-needs", { found: HIDDEN }));
  }
  if (!signsIn(answers)) return found;
  if (username === undefined) found.push(problem("member.username", "sign-in-needs"));
  if (password === undefined && !providedSecrets.has(MEMBER_PASSWORD)) {
    found.push(problem(MEMBER_PASSWORD, "sign-in-needs"));
  }
  return found;
}

function isName(name: string): boolean {
  return name.trim() === name && name !== "" && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name);
}

/** The web site trims it, and an empty password would be an anonymous LDAP bind. */
function isPassword(password: string): boolean {
  return password.trim() !== "" && password.length <= LONGEST_PASSWORD && !/[\r\n\0]/.test(password);
}
