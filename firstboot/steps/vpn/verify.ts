// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "vpn": a peer answers through the tunnel. Establishing a connection takes a few seconds.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../host/box.ts";
import { sayFound } from "../../host/found-text.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { isAvahiRunning } from "../../vpn/avahi.ts";
import { vpnPaths } from "../../vpn/paths.ts";
import { noteSeen, readRecord, type VpnRecord, writeLastAnswer } from "../../vpn/record.ts";
import { isHourly } from "../../vpn/request.ts";
import { findSameAddress } from "../../vpn/same-address.ts";
import { askPeers, targetsOf } from "../../vpn/tunnel.ts";
import type { VpnAnswers } from "./questions.ts";

const WAIT_SECONDS = 45;

export async function verify(answers: VpnAnswers, tools: StepTools): Promise<Warning[]> {
  const { box, progress } = tools;
  if (answers.join !== true) return [];
  const record = await readRecord(box);
  if (!record) return stopped("it is not set up");
  const warnings = (await isAvahiRunning(box)) ? [] : [{ code: "vpn-no-avahi" }];
  // The first box of a VPN has no peers, which is correct.
  if (record.peers.length === 0) return [...warnings, { code: "vpn-no-peers" }];
  const from = await waitForAnswer(record, tools);
  if (from === undefined) return [...warnings, await waiting(record, tools)];
  progress("progress.vpn.answer", { address: from });
  await writeLastAnswer(box, from);
  const other = await findSameAddress(box, record);
  await noteSeen(box, record, { waiting_since: undefined, same_address: other });
  const [address = ""] = record.address.split("/");
  return other === undefined
    ? warnings
    : [...warnings, { code: "vpn-same-address", values: { address, other } }];
}

/** Undefined if no peer has answered. */
async function waitForAnswer(
  record: VpnRecord,
  { box, progress, signal }: StepTools,
): Promise<string | undefined> {
  const { network } = record;
  const targets = targetsOf(record);
  const deadline = box.now().getTime() + WAIT_SECONDS * 1000;
  for (;;) {
    const left = Math.ceil((deadline - box.now().getTime()) / 1000);
    if (left <= 0) return undefined;
    progress("progress.vpn.wait", { seconds: left }, { transient: true });
    const from = await askPeers(box, network, targets, signal);
    if (from !== undefined) return from;
    await box.sleep(1000, signal);
  }
}

/** A gateway that updates from its rendezvous hourly rejects a new box until then. */
async function waiting(record: VpnRecord, { box, image }: StepTools): Promise<Warning> {
  const { code } = await box.run("systemctl", ["is-active", "--quiet", vpnPaths(record.network).unit]);
  if (code !== 0) return stopped("the unit is not active");
  const isTooOld = await hasMetTooOld(box, record);
  if (!isHourly(record, image) || isTooOld) return silent(isTooOld);
  await noteSeen(box, record, { waiting_since: record.waiting_since ?? box.now().toISOString() });
  return { code: "vpn-waiting" };
}

/** Whether tinc's log says that a peer uses a cipher (Blowfish) that this box's OpenSSL does not support. */
async function hasMetTooOld(box: Box, { network }: VpnRecord): Promise<boolean> {
  const { unit } = vpnPaths(network);
  const { stdout } = await box.run("journalctl", [
    "--boot",
    "--no-pager",
    "--output=cat",
    "--lines=1000",
    `--unit=${unit}`,
  ]);
  return stdout.includes("digital envelope routines::unsupported");
}

function silent(isTooOld: boolean): never {
  return fail({
    code: "vpn-silent",
    what: "The box is set up for the VPN, but nobody answers through it.",
    ...(isTooOld ? sayFound("found.vpn-too-old") : sayFound("found.silent-for", { seconds: WAIT_SECONDS })),
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
