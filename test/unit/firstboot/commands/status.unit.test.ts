// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox status` and `cbox <step>`: what works, what does not, what is missing, for people and for programs.

import { beforeEach, describe, expect, test } from "vitest";
import {
  readStatus,
  statusData,
  statusOf,
  statusText,
  stepData,
  stepStatusText,
} from "../../../../firstboot/commands/status.ts";
import { remember } from "../../../../firstboot/guifi/store.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { readMarker, writeMarker } from "../../../../firstboot/setup/marker.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Step } from "../../../../firstboot/setup/step.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import { network } from "../../../../firstboot/steps/network/index.ts";
import { node } from "../../../../firstboot/steps/node/index.ts";
import { system } from "../../../../firstboot/steps/system/index.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, VALID_ANSWERS } from "../../helpers/fake-box.ts";

const t = translator("en");
let box: FakeBox;

beforeEach(async () => {
  box = new FakeBox();
  box.files.set(ANSWERS_FILE, VALID_ANSWERS);
  const runner = await SetupRunner.open({
    box,
    image: IMAGE,
    steps: steps.filter(({ id }) => ["system", "network"].includes(id)),
    log: openLog(box),
  });
  runner.start();
  await runner.reached("done");
});

const vpn: Step = {
  ...system,
  id: "vpn",
  status: async () => ({
    state: "trouble",
    rows: [{ label: "status.addresses", value: "10.228.0.5" }],
    advice: { key: "done.later", values: { command: "sudo cbox vpn setup" } },
    data: { network: "guifi", address: null },
  }),
};
const broken: Step = { ...system, id: "node", status: async () => Promise.reject(new Error("EACCES")) };

describe("the status of one step", () => {
  test("has its state, its rows and what to do as text, and its data as JSON", async () => {
    const found = await statusOf(vpn, box, IMAGE);
    expect(stepStatusText(found, t)).toBe(
      "VPN: does not work\n  Addresses        10.228.0.5\n  > Later: sudo cbox vpn setup\n",
    );
    expect(stepData(found)).toEqual({ step: "vpn", state: "trouble", network: "guifi", address: null });
  });

  test("is trouble when the step cannot determine it", async () => {
    const found = await statusOf(broken, box, IMAGE);
    expect(stepStatusText(found, t)).toMatch(/^Node: does not work\n {2}> Status unavailable/);
    const { status: _none, ...silent } = system;
    expect(await statusOf(silent, box, IMAGE)).toMatchObject({ state: "trouble", data: {} });
  });

  test("of system and network is read from the box", async () => {
    expect(stepData(await statusOf(system, box, IMAGE))).toMatchObject({
      state: "works",
      hostname: "can-bruixa",
      owner: "anna",
      ssh: true,
    });
    expect(stepStatusText(await statusOf(network, box, IMAGE), t)).toContain("10.1.2.50/24 (enp1s0)");
    box.system.running.clear();
    box.system.dhcpAddress = undefined;
    expect(stepStatusText(await statusOf(system, box, IMAGE), t)).toContain(
      "> The SSH server does not answer.",
    );
    expect(stepStatusText(await statusOf(network, box, IMAGE), t)).toContain("> Check the cable");
  });
});

describe("the status of all steps", () => {
  test("follows their order, with system and network as the head of the page and among the data", async () => {
    const found = await readStatus(box, IMAGE, [system, network, vpn]);
    const text = statusText(found, t);
    expect(text).toContain("can-bruixa: Community Box 0.1.0 (vm-amd64)");
    expect(text).toMatch(/VPN: does not work\n {2}Addresses {8}10\.228\.0\.5\n/);
    expect(text).not.toContain("System: ");
    expect(statusData(found)).toMatchObject({
      configured: true,
      steps: [{ step: "system" }, { step: "network" }, { step: "vpn", state: "trouble", network: "guifi" }],
    });
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("never breaks a command over two lines", async () => {
    const long: Step = {
      ...vpn,
      status: async () => ({
        state: "trouble",
        rows: [{ label: "status.addresses", value: "x" }],
        advice: { key: "status.unknown", values: { command: "sudo cbox vpn setup" } },
        data: {},
      }),
    };
    expect(statusText(await readStatus(box, IMAGE, [long]), t)).toContain("sudo cbox vpn setup");
  });

  test("has no warning about a skipped step that works now", async () => {
    const marker = await readMarker(box);
    const warnings = [
      { code: "network-passed", step: "network", values: { reason: "no-address" } },
      { code: "vpn-passed", values: { reason: "server-slow" } },
    ];
    await writeMarker(box, { ...marker!, warnings });
    const codes = async () =>
      (await readStatus(box, IMAGE, [system, network, vpn])).warnings.map(({ code }) => code);
    expect(await codes()).toEqual(["vpn-passed"]);
    box.system.dhcpAddress = undefined;
    expect(await codes()).toEqual(["network-passed", "vpn-passed"]);
  });

  test("has no warning about a registration that was given back", async () => {
    const marker = await readMarker(box);
    const warnings = [{ code: "node-address-differs", values: { address: "10.1.2.3", mask: "255.0.0.0" } }];
    await writeMarker(box, { ...marker!, warnings });
    const codes = async () => (await readStatus(box, IMAGE, [node])).warnings.map(({ code }) => code);
    await remember(box, {
      node: { id: 7, name: "n" },
      device: { id: 9, name: "n-box", address: "10.1.2.3" },
    });
    expect(await codes()).toEqual(["node-address-differs"]);
    const status = await readStatus(box, IMAGE, [node]);
    expect(statusText(status, t)).toContain("https://guifi.net/guifi/device/9");
    await remember(box, { node: undefined, device: undefined });
    expect(await codes()).toEqual([]);
  });

  test("asks no step before the set-up", async () => {
    box.files.delete(paths.configured);
    const found = await readStatus(box, IMAGE, [broken, vpn]);
    expect(found.steps).toEqual([]);
    expect(statusText(found, t)).toMatch(/Not set up yet: .*\(tty1, ttyS0\)/);
  });
});
