// SPDX-License-Identifier: GPL-3.0-or-later
// Verifies "network": waits for an address with a count-down, then checks that the gateway of a static one answers.

import { fail } from "../../../common/fail.ts";
import { parseJson } from "../../../common/json.ts";
import type { Box } from "../../host/box.ts";
import { sayFound } from "../../host/found-text.ts";
import { ipv4Addresses } from "../../host/network-facts.ts";
import { paths } from "../../host/paths.ts";
import { automatic, findInterfaces } from "../../network/interfaces.ts";
import type { StepTools, Warning } from "../../setup/step.ts";
import { wifiCard } from "../../wifi/card.ts";
import { isInReach, wifiState } from "../../wifi/supplicant.ts";
import { isWireless, type NetworkAnswers } from "./questions.ts";

const ADDRESS_WAIT_SECONDS = 30;
/** A switch port may be blocked for a while after the link comes up (spanning tree). */
const GATEWAY_TRIES = 5;

export async function verify(answers: NetworkAnswers, tools: StepTools): Promise<Warning[]> {
  const card = isWireless(answers) ? await wifiCard(tools.box, answers.interface) : undefined;
  if (card) await waitForWifi(answers.wifi?.ssid ?? "", card, tools);
  const address = await waitForAddress(answers, card, tools);
  tools.progress("progress.network.address", { address });
  if (answers.method === "static" && answers.gateway) await askGateway(answers.gateway, tools);
  return [];
}

const WIFI_WAIT_SECONDS = 45;

/** Distinguishes a wrong passphrase from a network that is not in range. */
async function waitForWifi(ssid: string, card: string, { box, progress, signal }: StepTools): Promise<void> {
  for (let left = WIFI_WAIT_SECONDS; left > 0; left--) {
    const state = await wifiState(box, card);
    if (state === "joined") return;
    if (state === "refused") {
      fail({
        code: "wifi-refused",
        what: "The Wi-Fi network does not accept the passphrase.",
        found: ssid,
        hint: "Change the answers and type the passphrase again; capitals matter.",
      });
    }
    progress("progress.network.wifi-wait", { ssid, seconds: left }, { transient: true });
    await box.sleep(1000, signal);
  }
  if (await isInReach(box, card, ssid)) {
    fail({
      code: "wifi-not-joined",
      what: "The Wi-Fi network does not let the box in.",
      found: ssid,
      hint: "Look whether the access point lets new devices in, or use a cable.",
    });
  }
  fail({
    code: "wifi-not-found",
    what: "The Wi-Fi network is out of range.",
    found: ssid,
    hint: "Check the name, letter by letter, and bring the box nearer, or use a cable.",
  });
}

async function waitForAddress(
  answers: NetworkAnswers,
  card: string | undefined,
  { box, progress, signal }: StepTools,
): Promise<string> {
  for (let left = ADDRESS_WAIT_SECONDS; left > 0; left--) {
    // Looked up each time: the cable may be connected during the wait.
    const name = card ?? automatic(await findInterfaces(box), answers.interface)?.name;
    const [found] = await ipv4Addresses(box, name);
    const isWanted = answers.method !== "static" || answers.address?.startsWith(`${found?.address}/`);
    const file = card ? paths.networkWifi : paths.network;
    if (found && isWanted && (await isConfigured(box, found.interface, file)))
      return `${found.address}/${found.prefix}`;
    progress("progress.network.wait", { seconds: left }, { transient: true });
    await box.sleep(1000, signal);
  }
  return fail({
    code: "no-address",
    what: "The box has no network address yet.",
    ...(answers.method === "static"
      ? sayFound("found.address-unused", { address: answers.address ?? "" })
      : sayFound("found.no-dhcp")),
    hint: "Check the cable and try again, or go on: the box takes its address as soon as it gets one.",
  });
}

/** Right after a change the former address may still be set; networkd knows whether it has applied our file. */
async function isConfigured(box: Box, name: string, wanted: string): Promise<boolean> {
  const { stdout } = await box.run("networkctl", ["--json=short", "status", name]);
  const { NetworkFile: file = wanted, AdministrativeState: state = "configured" } = parseJson<{
    NetworkFile?: string;
    AdministrativeState?: string;
  }>(stdout, {});
  return file === wanted && state === "configured";
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
    ...sayFound("found.no-answer", { address: gateway }),
    hint: "Check the address of the gateway and the cable, or go on without.",
  });
}
