// SPDX-License-Identifier: GPL-3.0-or-later
// Step "member": who looks after the box. The password is asked about the moment it is given, used once more when
// applying, and needed by "node"; it is kept in memory only.

import { fail } from "../../../common/fail.ts";
import { readRegistration, remember } from "../../guifi/store.ts";
import { wayWarnings } from "../../guifi/way.ts";
import { isAuthorityIgnored } from "../../host/authorities.ts";
import type { Box } from "../../host/box.ts";
import { sayFound } from "../../host/found-text.ts";
import { websiteName } from "../../host/image-info.ts";
import { HIDDEN, problem } from "../../setup/problems.ts";
import {
  type Answers,
  defineStep,
  type Finding,
  type LookUpTools,
  type ProbeResult,
  type StepStatus,
  type StepTools,
  type Warning,
} from "../../setup/step.ts";
import { wasSkipped } from "../was-passed.ts";
import { check } from "./check.ts";
import { confirmMember } from "./confirm.ts";
import { MEMBER_PASSWORD, type MemberAnswers, schema, signsIn } from "./questions.ts";

/** Milliseconds for the web site while somebody waits at the question. */
const PATIENCE = 4_000;

export const member = defineStep<MemberAnswers, ProbeResult>({
  id: "member",
  schema,
  skippable: true,
  // Without a default the first choice is offered, and a file that says nothing means "later".
  probe: async (_box, image) => {
    const website = { website: websiteName(image) };
    const notes = wayWarnings(image).map(
      ({ code, values = {} }) => ({ key: `warning.${code}`, values }) as const,
    );
    return {
      defaults: {},
      texts: { sign_in: website, username: website, password: website },
      ...(notes.length ? { notes: { password: notes } } : {}),
    };
  },
  lookUp: { paths: ["password"], run: lookUp },
  check,
  summary: (answers, t) => (signsIn(answers) ? (answers.username ?? "") : t("option.member.sign_in.later")),
  apply,
  verify,
  status,
  reset: async (box) => remember(box, { member: undefined }),
});

async function lookUp(_path: string, answers: Answers, { box, image }: LookUpTools): Promise<Finding> {
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

async function apply(answers: MemberAnswers, { box, image, progress }: StepTools): Promise<void> {
  const { username = "", password } = answers;
  if (!signsIn(answers)) {
    progress("progress.member.later");
    return remember(box, { member: undefined });
  }
  // Applied before, and forgotten in a power cut since: there is nothing to ask with, and no need to.
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

async function verify(answers: MemberAnswers, { box, image }: StepTools): Promise<Warning[]> {
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

async function status(box: Box): Promise<StepStatus> {
  const { member: kept } = await readRegistration(box);
  const data = { name: kept?.name ?? null, confirmed_by: kept?.confirmed_by ?? null };
  if (kept) return { state: "works", rows: [{ label: "label.member.username", value: kept.name }], data };
  return {
    state: (await wasSkipped(box, "member")) ? "trouble" : "off",
    rows: [],
    advice: { key: "status.member.later", values: { command: "cbox member setup" } },
    data,
  };
}
