// SPDX-License-Identifier: GPL-3.0-or-later
// The published archive of container-amd64 in the real systemd-nspawn: imported and started as its page says, it greets
// on its console; with answers.yaml in it, it sets itself up.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { $ } from "zx";
import { cacheDir } from "../../image/cache/directory.ts";
import { buildCommand, defaultOut } from "../../image/commands/build.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { stepStates } from "../boot/observations.ts";
import { dns } from "../lab/hosts/dns.ts";
import { serfPeer } from "../lab/hosts/serf-peer.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { importMachine, type NspawnBox, type NspawnHost, startNspawn } from "./nspawn-box.ts";
import { inBuildTurn } from "./project.ts";

const PROFILE = "container-amd64";
const MACHINES = join(cacheDir(), "work", "nspawn-test");
/** Limits in milliseconds, for a machine that does other things, too. The image may have to be built first. */
const BUILD_MS = 1_800_000;
const START = { timeoutMs: 300_000 };
const SET_UP = { timeoutMs: 800_000 };
const PASSWORD = "dues oques a la bassa";
const ANSWERS = `version: 1
system: { language: en, hostname: pallissa, owner: { name: berta, password: "${PASSWORD}" } }
network: { method: dhcp }
vpn: { join: false }
`;

let lab: Lab | undefined;
let host: NspawnHost;
let box: NspawnBox | undefined;

beforeAll(async () => {
  await inBuildTurn(() => buildCommand(PROFILE, {}));
  const out = defaultOut(PROFILE);
  const { image } = (await readManifest(out))!;
  const root = await labRoot();
  lab = await labUp({
    name: "nspawn",
    root,
    community: loadCommunity("guifi"),
    hosts: [dns("dns", "10.139.40.1"), serfPeer("peer", "10.139.40.22")],
  });
  rmSync(MACHINES, { recursive: true, force: true });
  mkdirSync(MACHINES, { recursive: true });
  host = { lab, root, machines: MACHINES };
  await importMachine(host, join(out, image.file), "asked");
  await $({ cwd: MACHINES, quiet: true })`cp --archive asked answered`;
  writeFileSync(join(MACHINES, "answered/boot/answers.yaml"), ANSWERS, { mode: 0o600 });
}, BUILD_MS);

afterEach(async () => {
  await box?.destroy();
  box = undefined;
});

afterAll(async () => {
  await lab?.down();
  rmSync(MACHINES, { recursive: true, force: true });
});

test("the container image holds no devices, so that anybody can unpack it", () => {
  expect(readdirSync(join(MACHINES, "answered/dev"))).toEqual([]);
});

test("the container shows its prompt on the console, with no failed unit, no password and an identity of its own", async () => {
  box = await startNspawn(host, "asked");
  await box.line.expect(/Community Box set-up.*Press Enter to begin/s, START);
  box.line.key("enter");
  await box.line.expect(/\[system\/language\]/, START);
  expect(await state()).toBe("running");
  expect(await box.ask("systemd-detect-virt")).toBe("systemd-nspawn");
  expect(await box.ask('cut -d: -f2 /etc/shadow | grep -c "^[$]" || true')).toBe("0");
  expect(await box.ask("cat /etc/machine-id")).toMatch(/^[0-9a-f]{32}$/);
  expect(await box.powerOff()).toBe(0);
});

test("the container is set up by answers.yaml, without contexts of its own", async () => {
  box = await startNspawn(host, "answered");
  const { line } = box;
  await line.expect(/\[done\] Set-up is complete/, SET_UP);
  await line.expect(/pallissa login: /, START);
  line.type("berta");
  await line.expect(/Password: /, START);
  line.type(PASSWORD);
  await line.expect(/berta@pallissa:~\$ /, START);

  expect(await state()).toBe("running");
  expect(await box.ask("id --groups --name berta")).toMatch(/\bsudo\b/);
  const states = stepStates(await box.ask("cbox status --json"));
  expect(states).toMatchObject({ system: "works", network: "works", contexts: "off", services: "works" });
  const { warnings } = JSON.parse(await box.ask("cat /var/lib/community-box/configured")) as {
    warnings: { code: string }[];
  };
  expect(warnings.map(({ code }) => code)).toEqual(["member-later", "contexts-none-container"]);
  expect(await box.ask("ip -4 -brief address show dev host0")).toMatch(/ UP +10\.139\.40\.\d+\/24/);
  expect(await box.ask("runuser --user berta -- ping -c 1 -W 5 10.139.40.1")).toContain(" 0% packet loss");
  expect(await box.ask("cat /boot/answers.yaml")).not.toContain(PASSWORD);
  expect(await box.powerOff()).toBe(0);
});

/** What systemd says of itself, and which units have failed. */
const state = () => box?.ask("systemctl is-system-running --wait; systemctl --failed --no-legend");
