// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "network": waits for an address while counting down, then asks the gateway of a static one to answer.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../box.ts";
import { paths } from "../../paths.ts";
import { ipv4Addresses, parseJson } from "../../world.ts";
import type { StepTools, Warning } from "../step.ts";
import { automatic, findInterfaces } from "./interfaces.ts";
import type { NetworkAnswers } from "./questions.ts";

const ADDRESS_WAIT_SECONDS = 30;
/** A switch port may be silent for a while after the link comes up (spanning tree). */
const GATEWAY_TRIES = 5;

export async function verify(answers: NetworkAnswers, tools: StepTools): Promise<Warning[]> {
  const address = await waitForAddress(answers, tools);
  tools.progress("progress.network.address", { address });
  if (answers.method === "static" && answers.gateway) await askGateway(answers.gateway, tools);
  return [];
}

async function waitForAddress(
  answers: NetworkAnswers,
  { box, progress, signal }: StepTools,
): Promise<string> {
  for (let left = ADDRESS_WAIT_SECONDS; left > 0; left--) {
    // Looked up each time: the cable may go in while we wait.
    const target = automatic(await findInterfaces(box), answers.interface);
    const [found] = await ipv4Addresses(box, target?.name);
    const isWanted = answers.method !== "static" || answers.address?.startsWith(`${found?.address}/`);
    if (found && isWanted && (await isConfigured(box, found.interface)))
      return `${found.address}/${found.prefix}`;
    progress("progress.network.wait", { seconds: left }, { transient: true });
    await box.sleep(1000, signal);
  }
  return fail({
    code: "no-address",
    what: "The box has no network address yet.",
    found: answers.method === "static" ? `${answers.address} is not in use` : "no answer from a DHCP server",
    hint: "Check the cable and try again, or go on: the box takes its address as soon as it gets one.",
  });
}

/** Right after a change the address of before may still be there; networkd knows whether it is done with our file. */
async function isConfigured(box: Box, name: string): Promise<boolean> {
  const { stdout } = await box.run("networkctl", ["--json=short", "status", name]);
  const { NetworkFile: file = paths.network, AdministrativeState: state = "configured" } = parseJson<{
    NetworkFile?: string;
    AdministrativeState?: string;
  }>(stdout, {});
  return file === paths.network && state === "configured";
}

async function askGateway(gateway: string, { box, progress, signal }: StepTools): Promise<void> {
  for (let attempt = 1; attempt <= GATEWAY_TRIES; attempt++) {
    progress("progress.network.gateway", { gateway }, { transient: true });
    const { code } = await box.run("ping", ["-4", "-n", "-q", "-c", "1", "-W", "2", gateway]);
    if (code === 0) return;
    await box.sleep(1000, signal);
  }
  fail({
    code: "gateway-silent",
    what: "The gateway does not answer.",
    found: `no answer from ${gateway}`,
    hint: "Check the address of the gateway and the cable, or go on without.",
  });
}
