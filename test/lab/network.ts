// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's network: namespaces of its own, one per host and one with the switch between them. None of them is
// connected to the network of this machine or has a route out, and a box is connected to the switch only.
import { readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";

const PREFIX = "cboxlab-";
export const PREFIX_LENGTH = 24;
const BRIDGE = "switch";

export const namespaceOf = (lab: string, host: string) => `${PREFIX}${lab}-${host}`;
export const switchOf = (lab: string) => namespaceOf(lab, BRIDGE);

/** Namespaces of this lab that exist, whoever made them. */
export function existingNamespaces(lab: string): string[] {
  try {
    return readdirSync("/run/netns").filter((name) => name.startsWith(`${PREFIX}${lab}-`));
  } catch {
    return [];
  }
}

export async function makeSwitch(lab: string): Promise<void> {
  const namespace = switchOf(lab);
  await makeNamespace(namespace);
  await ip("-n", namespace, "link", "add", BRIDGE, "up", "type", "bridge");
}

/** A host's namespace with one interface, `eth0`, plugged into the switch. Without an address it may ask for one. */
export async function makeHost(lab: string, host: string, address?: string): Promise<void> {
  const namespace = namespaceOf(lab, host);
  await makeNamespace(namespace);
  // Both ends are created inside the lab: no interface ever exists in this machine's own network namespace.
  await ip(
    "link",
    "add",
    "eth0",
    "netns",
    namespace,
    "type",
    "veth",
    "peer",
    "name",
    host,
    "netns",
    switchOf(lab),
  );
  await ip("-n", switchOf(lab), "link", "set", host, "master", BRIDGE, "up");
  if (address) await ip("-n", namespace, "address", "add", `${address}/${PREFIX_LENGTH}`, "dev", "eth0");
  await ip("-n", namespace, "link", "set", "eth0", "up");
}

/** Pulls a host's cable, or plugs it in again; its address stays with it. */
export async function setPlugged(lab: string, host: string, isPlugged: boolean): Promise<void> {
  await ip("-n", switchOf(lab), "link", "set", host, isPlugged ? "up" : "down");
}

/** The box's end of a cable to the switch; QEMU opens it from inside the switch's namespace. */
export async function makeTap(lab: string, tap: string): Promise<void> {
  const namespace = switchOf(lab);
  await ip("-n", namespace, "tuntap", "add", "dev", tap, "mode", "tap");
  await ip("-n", namespace, "link", "set", tap, "master", BRIDGE, "up");
}

export async function removeTap(lab: string, tap: string): Promise<void> {
  await $({ quiet: true, nothrow: true })`ip -n ${switchOf(lab)} link delete ${tap}`;
}

/** Processes that run in a namespace. */
export async function processesIn(namespace: string): Promise<number[]> {
  const pids = await ip("netns", "pids", namespace);
  return pids.split("\n").filter(Boolean).map(Number);
}

/** Waits a moment for processes that were just killed to end; returns those that still run. */
export async function waitUntilEmpty(namespace: string, patienceMs = 3000): Promise<number[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const pids = await processesIn(namespace);
    if (pids.length === 0 || performance.now() > deadline) return pids;
    await delay(10);
  }
}

export async function removeNamespace(namespace: string): Promise<void> {
  await ip("netns", "delete", namespace);
}

async function makeNamespace(namespace: string): Promise<void> {
  await ip("netns", "add", namespace);
  await ip("-n", namespace, "link", "set", "lo", "up");
}

/** Runs iproute2; its errors become a Failure. */
async function ip(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await $({
    quiet: true,
    nothrow: true,
    env: { ...process.env, LC_ALL: "C" },
  })`ip ${words}`;
  if (exitCode === 0) return stdout;
  return fail({
    code: "lab-network-refused",
    what: "This machine does not let the lab build its own network.",
    found: `ip ${words.join(" ")}: ${stderr.trim()}`,
    hint: "./cbox doctor",
  });
}
