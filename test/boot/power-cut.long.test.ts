// SPDX-License-Identifier: GPL-3.0-or-later
// The power is cut repeatedly, each time a little later, while a box sets itself up by answers.yaml with sign-in,
// registration, VPN and contexts. In the end the box is complete, and registered only once.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { NODES, UPLINK } from "../lab/guifi-site/seed.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { readAll } from "../lab/readers/index.ts";
import { diskHolds } from "./disk-search.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { allRun } from "./inside.ts";
import * as seen from "./observations.ts";
import { subject } from "./subject.ts";

const LOG = "/var/log/community-box/firstboot.log";
const SECRET = "llop blau sota la figuera";
const MEMBER = labMember("anna");
/** Least number of the lines in {@link CUTS} at which the power must be cut. */
const LEAST_CUTS = 10;
/** Contexts on an emulated processor. */
const STEP_MS = 600_000;

const ANSWERS = `version: 1
system:
  hostname: tall-de-llum
  owner: { name: anna, password: "${SECRET}" }
network: { method: dhcp }
member: { username: ${MEMBER.name}, password: "${MEMBER.password}" }
node: { id: ${NODES.own}, accept_licence: true }
vpn: { join: true }
contexts: { share: half }
services: { serf: { enabled: true } }
`;

/**
 * The line of the set-up's log at which the power is cut. Each occurs only once in a set-up. After a late cut the
 * work of the next line may be done and its line lost; then the next cut is at the line after it.
 */
const CUTS: readonly (readonly [when: string, line: string])[] = [
  ["the first effect is about to start", "state apply_system"],
  ["the account has just been made", "useradd .* -> 0"],
  ["the network is being asked for", "state verify_network"],
  ["the member is being signed in", "state apply_member"],
  ["the box is being registered", "state apply_node"],
  ["the registration is being looked at", "state verify_node"],
  ["the keys of the VPN are being made", "state apply_vpn"],
  ["the tunnel is being tried", "state verify_vpn"],
  ["the contexts are about to be made", "state apply_contexts"],
  ["the data partition has just been made", "systemd-repart .* -> 0"],
  ["the data partition has just been formatted", "mke2fs .* -> 0"],
  ["the storage has just been made", "incus admin init --preseed -> 0"],
  ["the template has just been taken in", "incus image import .* -> 0"],
  ["the first context has just been made", "POST .*/1.0/instances.project=owner -> 0"],
  ["the second context has just been made", "POST .*/1.0/instances.project=community -> 0"],
  ["the services are being activated", "state apply_services"],
  ["everything is done but the last lines", "state finishing"],
];

let lab: Lab;
let box: Box;

beforeAll(async () => {
  const it = await subject("vm-amd64");
  lab = await labUp({ name: "cuttest", root: await labRoot(), community: loadCommunity("guifi") });
  const files = { "answers.yaml": ANSWERS, "ca.pem": lab.authority() };
  box = await createBox({ ...it, lab, memoryMib: 2048, ownDisk: true, files });
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
});

describe("vm-amd64 BIOS: the power is cut when", () => {
  const reached = new Set<string>();

  test.each(CUTS.map(([when], index) => [when, index] as const))("%s", async (when, index) => {
    const lines = CUTS.slice(index).map(([, line]) => line);
    await box.powerOn();
    // A cut leaves zeros at the end of the log, for which grep would take it for a binary file.
    const line = await box.ask(
      `timeout ${STEP_MS / 1000} tail -n +1 -F ${LOG} | grep -a -m1 -oE '${lines.join("|")}'`,
      { timeoutMs: STEP_MS + BOOT_MS },
    );
    console.log(`${when}: ${line}`);
    await box.cutPower();
    reached.add(lines.find((each) => new RegExp(each).test(line)) ?? line);
  });

  test("ten or more of these places were reached", () => {
    console.log(`cut at ${reached.size} places of ${CUTS.length}`);
    expect(reached.size).toBeGreaterThanOrEqual(LEAST_CUTS);
  });

  test("the set-up completes, since there are no more cuts", async () => {
    await box.powerOn();
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: STEP_MS });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });
});

describe("vm-amd64 BIOS: a box after all these cuts", () => {
  test("is registered once: one device with one address, one host in the VPN", async () => {
    const { devices, vpn } = await readAll(lab);
    expect(devices).toEqual([expect.objectContaining({ type: "cloudy", addresses: UPLINK.next })]);
    expect(vpn).toEqual([expect.objectContaining({ name: "tall_de_llum", reachable: "yes" })]);
  });

  test("has every step applied, and no incomplete files", async () => {
    const report = await box.ask("cat /boot/efi/answers-report.yaml");
    const failed = await box.ask(`grep -a -e ' -> [1-9]' ${LOG} | tail -n 20 || true`);
    expect(report, failed).toMatch(/^result: applied$/m);
    expect(await box.ask("find /etc /var/lib/community-box -name '*.new' -o -name '*.tmp*'")).toBe("");
    await allRun(box, 2);
    expect(await box.ask("incus list --all-projects --format csv --columns n,s | sort")).toBe(
      "community,RUNNING\nowner,RUNNING",
    );
  });

  test("has no secret in any byte of its disk", async () => {
    expect(await seen.placesHolding(box, SECRET, MEMBER.password)).toEqual([[], []]);
    await box.ask("systemctl poweroff --no-block");
    await box.poweredOff(180_000);
    expect(await diskHolds(box.diskPath, "tall-de-llum")).toBe(true);
    expect(await diskHolds(box.diskPath, SECRET)).toBe(false);
    expect(await diskHolds(box.diskPath, MEMBER.password)).toBe(false);
  });
});
