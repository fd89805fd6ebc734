// SPDX-License-Identifier: GPL-3.0-or-later
// Faults of the community, at the real console: each server fails during the step that needs it, the box reports it,
// and continues when the server is back. By answers.yaml, what can be done is done, and the rest is done later with
// `cbox <step> setup`; at last the box goes back to its set-up.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { fault } from "../lab/faults/index.ts";
import { NODES } from "../lab/guifi-site/seed.ts";
import { TRAP } from "../lab/hostile/texts.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { readAll } from "../lab/readers/index.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { quoted } from "./inside.ts";
import * as seen from "./observations.ts";
import { APPLY_MS, answer, begin, logIn, WELCOME } from "./set-up-dialogue.ts";
import { type Subject, subject } from "./subject.ts";

const PASSWORD = "set cabres al tossal";
const MEMBER = labMember("anna");
/** Too little for contexts, which have a test of their own. */
const SMALL = 768;

let it: Subject;
let lab: Lab;
let box: Box;

beforeAll(async () => {
  it = await subject("vm-amd64");
  lab = await labUp({ name: "badday", root: await labRoot(), community: loadCommunity("guifi") });
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
});

const breaks = async (...names: string[]) => {
  for (const name of names) await fault(lab, name, true);
};
const mends = async (...names: string[]) => {
  for (const name of names) await fault(lab, name, false);
};

/** Waits for the page of a failure, checks its message, switches the fault off, and tries again. */
async function recovers(step: string, code: string, sentence: RegExp, ...faults: string[]): Promise<void> {
  await box.expect(new RegExp(`\\[error\\] ${step} ${code}`), { timeoutMs: APPLY_MS });
  const [screen] = await box.expect(/^.*?\n\([^\n]*\) > /s);
  expect(screen).toMatch(sentence);
  expect(screen).toContain("1. Try again");
  await mends(...faults);
  box.type("1");
}

describe("vm-amd64 BIOS: the set-up with typed answers and failing servers", () => {
  beforeAll(async () => {
    await breaks("no-dhcp", "ldap-down", "api-500");
    box = await createBox({
      ...{ ...it, lab, ownDisk: true, memoryMib: SMALL },
      files: { "ca.pem": lab.authority() },
    });
    await box.powerOn();
  });

  test("asks and checks its questions as far as possible without a network", async () => {
    await begin(box);
    await answer(box, "system/language", "3");
    await answer(box, "system/timezone");
    await answer(box, "system/hostname", "mal-dia");
    await answer(box, "system/updates");
    await answer(box, "system/owner.name", "anna");
    await answer(box, "system/owner.password", PASSWORD);
    await answer(box, "system/owner.password.repeat", PASSWORD);
    await answer(box, "system/owner.ssh_keys");
    await answer(box, "network/method");
    await answer(box, "member/sign_in", "1");
    await answer(box, "member/username", MEMBER.name);
    await answer(box, "member/password", MEMBER.password);
    await box.expect(/cannot be asked from here yet/, { timeoutMs: BOOT_MS });
    await answer(box, "node/register", "1");
    await answer(box, "node/id", String(NODES.own));
    await box.expect(/cannot be asked from here yet/, { timeoutMs: BOOT_MS });
    await answer(box, "node/accept_licence", "1");
    for (const path of ["name", "address_from", "email", "notes"]) await answer(box, `node/${path}`);
    await answer(box, "vpn/join", "1");
    for (const path of ["network", "rendezvous", "key"]) await answer(box, `vpn/${path}`);
    await answer(box, "services/serf");
    await answer(box, "services/which");
    await answer(box, "review");
  });

  test("reports that there is no DHCP, and continues when it is back", async () => {
    await recovers("network", "no-address", /no network address yet/, "no-dhcp");
  });

  test("reports that neither directory nor web site answers, and signs in when they are back", async () => {
    await recovers("member", "member-unasked", /Neither the directory/, "ldap-down", "api-500");
  });

  test("reports that the rendezvous refuses, and joins when it no longer does", async () => {
    await breaks("rendezvous-refuses");
    await recovers("vpn", "rendezvous-refused", /does not let the box/, "rendezvous-refuses");
  });

  test("ends with the same result as without failures", async () => {
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: APPLY_MS });
    const { devices, vpn } = await readAll(lab);
    expect(devices).toEqual([expect.objectContaining({ name: "BCNCanBruixa20-box" })]);
    expect(vpn).toEqual([expect.objectContaining({ name: "mal_dia", reachable: "yes" })]);
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    await logIn(box, "anna", PASSWORD);
    box.type("man cbox | head -n 20; exit");
    await box.expect(/CBOX\(1\).*NAME.*cbox/s);
  });
});

describe("vm-amd64 BIOS: the set-up by answers.yaml with all servers failing", () => {
  const ANSWERS = `version: 1
system:
  language: en
  hostname: pitjor-dia
  owner: { name: berta, password: "${PASSWORD}" }
network: { method: dhcp }
member: { username: ${MEMBER.name}, password: "${MEMBER.password}" }
node: { id: ${NODES.own}, accept_licence: true }
vpn: { join: true }
`;
  const states = async () => seen.stepStates(await box.ask("cbox status --json", { timeoutMs: BOOT_MS }));

  test("does what is possible, and reports the rest", async () => {
    await box?.destroy();
    await breaks("ldap-bad-certificate", "api-500", "rendezvous-hostile");
    box = await createBox({
      ...{ ...it, lab, name: "worse", ownDisk: true, memoryMib: SMALL },
      files: { "ca.pem": lab.authority(), "answers.yaml": ANSWERS },
    });
    await box.powerOn();
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + APPLY_MS });
    expect(await states()).toMatchObject({ member: "trouble", node: "trouble", vpn: "trouble" });
    const report = parse(await box.ask("cat /boot/efi/answers-report.yaml")) as {
      result: string;
      steps: { id: string; result: string }[];
    };
    expect(Object.fromEntries(report.steps.map(({ id, result }) => [id, result]))).toMatchObject({
      system: "applied",
      network: "applied",
      member: "passed-over",
      node: "applied", // as far as that goes without a member: a warning says it
      vpn: "passed-over",
      services: "applied",
    });
    // The hostile answer was read, and did nothing.
    expect(await box.ask("grep -c 'rendezvous-reply-invalid' /var/log/community-box/firstboot.log")).not.toBe(
      "0",
    );
    expect(await box.ask(`find / -xdev -name '*${TRAP}*'; find /etc/tinc -mindepth 2 -name tinc.conf`)).toBe(
      "",
    );
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });

  test("is completed by cbox member, node and vpn setup when the servers are back", async () => {
    const before = (await readAll(lab)).devices?.length ?? 0;
    await mends("ldap-bad-certificate", "api-500", "rendezvous-hostile");
    const again = async (step: string) =>
      box.shell(`printf '%s' ${quoted(ANSWERS)} | cbox ${step} setup --answers -`, { timeoutMs: APPLY_MS });
    for (const step of ["member", "node", "vpn"]) {
      const { code, stdout, stderr } = await again(step);
      expect(code, `${step}: ${stdout}${stderr}`).toBe(0);
    }
    expect(await states()).toMatchObject({ member: "works", node: "works", vpn: "works" });
    const { devices, vpn } = await readAll(lab);
    expect(devices).toHaveLength(before + 1);
    expect(vpn).toContainEqual(expect.objectContaining({ name: "pitjor_dia", reachable: "yes" }));
    expect(await seen.placesHolding(box, MEMBER.password)).toEqual([[]]);
  });

  test("starts over after cbox reset, when nobody can log in and the home directory is kept", async () => {
    await box.ask("echo dear diary > /home/berta/diary");
    await box.ask("cbox reset --keep-data --yes", { timeoutMs: BOOT_MS });
    await box.expect(WELCOME, { timeoutMs: BOOT_MS });
    expect(await seen.passwords(box)).toEqual([]);
    expect((await seen.openPorts(box)).filter((port) => port.startsWith("tcp"))).toEqual([]);
    expect(await box.ask("grep -rlF 'dear diary' /home /var/lib/community-box 2>/dev/null | wc -l")).toBe(
      "1",
    );
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });
});
