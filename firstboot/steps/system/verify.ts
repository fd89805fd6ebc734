// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "system": only the owner can log in, and sshd uses host keys of this box.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../host/box.ts";
import { hostKeyFingerprints, isListening } from "../../host/network-facts.ts";
import type { Updates } from "../../host/owner-settings.ts";
import { shortList } from "../../services/ports.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { areTimersRight, canUpdate, keptBack } from "../../updates/updates.ts";
import { findAccount } from "./account.ts";
import { PASSWORD_PATH, type SystemAnswers } from "./questions.ts";

const SSH_PORT = 22;
const SSH_WAIT_SECONDS = 30;

export async function verify(answers: SystemAnswers, tools: StepTools): Promise<Warning[]> {
  const { box, progress } = tools;
  progress("progress.system.verify");
  await verifyAccount(box, answers.owner.name, tools.providedSecrets.has(PASSWORD_PATH));
  if ((await hostKeyFingerprints(box)).length === 0) {
    fail({ code: "host-keys-missing", what: "The box has no SSH host keys.", hint: "Try again." });
  }
  await verifySshd(box);
  if (answers.updates === undefined) return [];
  await verifyUpdates(box, answers.updates);
  const kept = answers.updates === "off" ? [] : await keptBack(box);
  return kept.length ? [{ code: "updates-kept-back", values: { names: shortList(kept) } }] : [];
}

async function verifyAccount(box: Box, name: string, hasPassword: boolean): Promise<void> {
  const account = await findAccount(box, name);
  if (!account?.isComplete) {
    return fail({ code: "account-missing", what: `The account "${name}" was not made.`, hint: "Try again." });
  }
  // A hash begins with "$"; "!" and "*" do not allow any password.
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

async function verifyUpdates(box: Box, updates: Updates): Promise<void> {
  if (!(await canUpdate(box)) || (await areTimersRight(box, updates))) return;
  fail({
    code: "updates-not-set",
    what: `Security updates are ${updates === "off" ? "still on" : "not on"}.`,
    found: "apt-daily.timer, apt-daily-upgrade.timer",
    hint: "Try again; the log (l) has the details.",
  });
}
