// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "vpn": somebody answers through the tunnel. Connections take a few seconds to come about.

import { fail } from "../../../common/fail.ts";
import { paths } from "../../paths.ts";
import { isAvahiRunning } from "../../vpn/avahi.ts";
import { vpnPaths } from "../../vpn/paths.ts";
import { readRecord, type VpnRecord } from "../../vpn/record.ts";
import { askPeers, targetsOf } from "../../vpn/tunnel.ts";
import type { StepTools, Warning } from "../step.ts";
import type { VpnAnswers } from "./questions.ts";

const WAIT_SECONDS = 45;

export async function verify(answers: VpnAnswers, tools: StepTools): Promise<Warning[]> {
  const { box, progress } = tools;
  if (answers.join !== true) return [];
  const record = await readRecord(box);
  if (!record) return stopped("it is not set up");
  const warnings = (await isAvahiRunning(box)) ? [] : [{ code: "vpn-no-avahi" }];
  // The first box of a VPN is alone, and right to be.
  if (record.peers.length === 0) return [...warnings, { code: "vpn-no-peers" }];
  const from = await waitForAnswer(record, tools);
  progress("progress.vpn.answer", { address: from });
  const answer = { at: box.now().toISOString(), from };
  await box.writeFile(paths.vpnAnswer, `${JSON.stringify(answer)}\n`);
  return warnings;
}

async function waitForAnswer(record: VpnRecord, { box, progress, signal }: StepTools): Promise<string> {
  const { network } = record;
  const targets = targetsOf(record);
  const deadline = box.now().getTime() + WAIT_SECONDS * 1000;
  for (;;) {
    const left = Math.ceil((deadline - box.now().getTime()) / 1000);
    if (left <= 0) break;
    progress("progress.vpn.wait", { seconds: left }, { transient: true });
    const from = await askPeers(box, network, targets, signal);
    if (from !== undefined) return from;
    await box.sleep(1000, signal);
  }
  const { code } = await box.run("systemctl", ["is-active", "--quiet", vpnPaths(network).unit]);
  if (code !== 0) return stopped("the unit is not active");
  return fail({
    code: "vpn-silent",
    what: "The box is set up for the VPN, but nobody answers through it.",
    found: `no answer within ${WAIT_SECONDS} s`,
    hint: "Try again, or go on without: the box keeps trying to connect by itself.",
  });
}

function stopped(found: string): never {
  return fail({
    code: "vpn-stopped",
    what: "The program of the VPN (tinc) does not run.",
    found,
    hint: "Try again, or go on without; the log (l) has the details.",
  });
}
