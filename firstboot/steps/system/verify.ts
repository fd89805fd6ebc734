// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "system": the owner can log in, nobody else, and sshd answers with keys of this box's own.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../box.ts";
import { hostKeyFingerprints, isListening } from "../../world.ts";
import type { StepTools, Warning } from "../step.ts";
import { findAccount } from "./account.ts";
import { PASSWORD_PATH, type SystemAnswers } from "./questions.ts";

const SSH_PORT = 22;
const SSH_WAIT_SECONDS = 30;

export async function verify(answers: SystemAnswers, tools: StepTools): Promise<Warning[]> {
  const { box, progress } = tools;
  progress("progress.system.verify");
  await verifyAccount(box, answers.owner.name, tools.given.has(PASSWORD_PATH));
  if ((await hostKeyFingerprints(box)).length === 0) {
    fail({ code: "host-keys-missing", what: "The box has no SSH host keys.", hint: "Try again." });
  }
  await verifySshd(box);
  return [];
}

async function verifyAccount(box: Box, name: string, hasPassword: boolean): Promise<void> {
  const account = await findAccount(box, name);
  if (!account?.isComplete) {
    return fail({ code: "account-missing", what: `The account "${name}" was not made.`, hint: "Try again." });
  }
  // A hash begins with "$"; "!" and "*" let nobody in by password.
  if (hasPassword && !account.shadow?.startsWith("$")) {
    fail({
      code: "password-not-set",
      what: `The account "${name}" has no usable password.`,
      hint: "Try again.",
    });
  }
}

async function verifySshd(box: Box): Promise<void> {
  for (let second = 0; second < SSH_WAIT_SECONDS; second++) {
    if (await isListening(box, SSH_PORT)) return;
    await box.sleep(1000);
  }
  fail({
    code: "ssh-not-listening",
    what: `The SSH server does not answer on port ${SSH_PORT}.`,
    hint: "Try again; the log (l) has the details.",
  });
}
