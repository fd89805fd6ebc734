// SPDX-License-Identifier: GPL-3.0-or-later
// Two boxes with the image's own root file system find each other's services by `cbox search`: by Serf, and across the
// VPN, bridged or routed, by Avahi. What one no longer offers is gone at the other within a minute, also when its plug was
// pulled.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { $ } from "zx";
import type { FoundService, Search } from "../../firstboot/discovery/search.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { avahiFiles } from "../../firstboot/services/announce.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { ownKey } from "../../firstboot/vpn/keys.ts";
import type { Mode } from "../../firstboot/vpn/membership.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { dns } from "../lab/hosts/dns.ts";
import { serfPeer } from "../lab/hosts/serf-peer.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { oldNodeSearch } from "../lab/serf.ts";
import { until } from "./service-lab.ts";
import { imageRoot, type WholeBox, wholeBox } from "./whole-box.ts";

const NAME = "discovery";
const ROOT = join(cacheDir(), "work/discovery");
const ONE = "10.139.40.61";
const TWO = "10.139.40.62";
const ONE_IN_VPN = "10.228.0.2";
const TWO_IN_VPN = "10.228.0.3";
const SYNCTHING = "cbox-syncthing.service";
/** That a person may be told of what is not there any more: a minute, and three where others share the processor. */
const GONE_SECONDS = 180;

let lab: Lab;
let one: WholeBox;
let two: WholeBox;

beforeAll(async () => {
  await labDown(NAME);
  lab = await labUp({
    name: NAME,
    root: await labRoot(),
    community: loadCommunity("guifi"),
    hosts: [
      dns("dns", "10.139.40.1"),
      serfPeer("peer", "10.139.40.22"),
      { name: "one", address: ONE },
      { name: "two", address: TWO },
    ],
  });
  await imageRoot(`${ROOT}/one`, ["syncthing"]);
  await $`rm -rf ${ROOT}/two && cp --archive ${ROOT}/one ${ROOT}/two`;
  one = await wholeBox(lab, "one", `${ROOT}/one`, "can-bruixa");
  two = await wholeBox(lab, "two", `${ROOT}/two`, "can-pau");
});

afterAll(async () => {
  one?.cutPower();
  two?.cutPower();
  await labDown(NAME);
  rmSync(ROOT, { recursive: true, force: true });
});

async function succeeds(running: Promise<{ code: number; stdout: string; stderr: string }>): Promise<string> {
  const { code, stdout, stderr } = await running;
  expect(code, `${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** The whole VPN is the two of them: each is given the other's address and key, as by an answers file with a bundle. */
async function vpnAnswers(mode: Mode): Promise<{ readonly ofOne: string; readonly ofTwo: string }> {
  const host = async (at: WholeBox, name: string, address: string, inside: string) => {
    const { publicKey: key } = await ownKey(at.box, "guifi");
    return { name, address, subnets: [inside], key };
  };
  const [hostOne, hostTwo] = [
    await host(one, "can_bruixa", ONE, ONE_IN_VPN),
    await host(two, "can_pau", TWO, TWO_IN_VPN),
  ];
  const answers = (name: string, address: string, other: object) => {
    const bundle = { name, address: `${address}/24`, mode, hosts: [other] };
    return stringify({ version: 1, vpn: { join: true, bundle } });
  };
  return {
    ofOne: answers("can_bruixa", ONE_IN_VPN, hostTwo),
    ofTwo: answers("can_pau", TWO_IN_VPN, hostOne),
  };
}

const TINCD = ["tincd", "--net=guifi", "--no-detach"];
const AVAHI = "avahi-daemon.service";
const SET_UP_VPN = ["vpn", "setup", "--answers", "/root/vpn.yaml"];

async function joinVpn({ box, cboxWith, start, startUnit }: WholeBox, answers: string): Promise<void> {
  await box.writeFile("/root/vpn.yaml", answers);
  await succeeds(cboxWith(SET_UP_VPN, "/etc/tinc/guifi/tinc.conf", async () => start(...TINCD)));
  await startUnit(AVAHI);
}

async function leaveVpn({ box, cbox, stopUnit }: WholeBox): Promise<void> {
  for (const unit of [AVAHI, TINCD.join(" ")]) await stopUnit(unit);
  // The daemon leaves it when its helper ends with it. The number is that of another process next time, since each unit
  // has processes of its own here, and the daemon would take that for one of its kind that runs.
  await box.remove("/run/avahi-daemon/pid");
  await box.writeFile("/root/vpn.yaml", stringify({ version: 1, vpn: { join: false } }));
  await succeeds(cbox(...SET_UP_VPN));
}

/** In the VPN, with Avahi there, discovery, and Syncthing. */
async function setUp(at: WholeBox, answers: string): Promise<void> {
  const { box, cbox, cboxWith, start, startUnit } = at;
  await box.makeDirectory("/run/dbus");
  start("dbus-daemon", "--system", "--nofork", "--nopidfile");
  await joinVpn(at, answers);
  await succeeds(
    cboxWith(["services", "enable", "serf"], "/etc/serf/community-box.json", () => startUnit("serf.service")),
  );
  await succeeds(cbox("services", "enable", "avahi"));
  await succeeds(
    cboxWith(
      ["services", "enable", "syncthing", "--context", "host"],
      "/var/lib/cbox-syncthing/config/config.xml",
      () => startUnit(SYNCTHING),
    ),
  );
}

/** What the second box finds of the first one's Syncthing, when it is as wanted; how many seconds that took. */
async function untilFound(
  isIt: (ofOne: readonly FoundService[]) => boolean,
  type = "syncthing",
): Promise<{ readonly ofOne: readonly FoundService[]; readonly seconds: number }> {
  const began = performance.now();
  for (;;) {
    const { services } = JSON.parse(await succeeds(two.cbox("search", type, "--json"))) as Search;
    const ofOne = services.filter(({ host }) => host.startsWith("can-bruixa."));
    const seconds = (performance.now() - began) / 1000;
    if (isIt(ofOne)) return { ofOne, seconds };
    if (seconds > GONE_SECONDS) throw new Error(`after ${GONE_SECONDS} s still: ${JSON.stringify(services)}`);
    await delay(500);
  }
}

const holds = async (look: () => Promise<boolean>) => expect(await until(look, Boolean)).toBe(true);
const byBoth = (found: readonly FoundService[]) =>
  found.some(({ by }) => by === "serf") && found.some(({ by }) => by === "avahi");
const deviceId = async ({ box }: WholeBox) => (await readStates(box)).syncthing?.facts.device_id ?? "none";
const syncthing = (at: WholeBox, ...words: string[]) =>
  succeeds(
    at.box.run("runuser", [
      ...["--user", "cbox-syncthing", "--", "syncthing", "cli"],
      ...["--home=/var/lib/cbox-syncthing/config", ...words],
    ]),
  );

test("a box finds what another publishes, by Serf and by Avahi, with its distance", async () => {
  const { ofOne: answersOfOne, ofTwo: answersOfTwo } = await vpnAnswers("switch");
  await Promise.all([setUp(one, answersOfOne), setUp(two, answersOfTwo)]);
  // Serf's coordinates come with the first probes.
  const hasDistance = (found: readonly FoundService[]) => found.every(({ rtt_ms }) => rtt_ms !== undefined);
  const { ofOne, seconds } = await untilFound((found) => byBoth(found) && hasDistance(found));
  console.log(`found after ${seconds.toFixed(1)} s`);
  const node_id = await deviceId(one);
  const distance = { rtt_ms: expect.any(Number) };
  const same = { type: "syncthing", port: "22000", txt: { node_id }, ...distance };
  expect(ofOne.find(({ by }) => by === "serf")).toMatchObject({
    ...{ ...same, description: "Syncthing instance running", host: "can-bruixa.guifi.local", address: ONE },
  });
  expect(ofOne.find(({ by }) => by === "avahi")).toMatchObject({
    ...{ ...same, host: "can-bruixa.local", address: ONE_IN_VPN },
    description: "Syncthing instance running on can-bruixa",
  });
  const onOldPage = (await oldNodeSearch(lab))?.map(({ s, i }) => `${s} ${i}`);
  expect(onOldPage?.sort(), "an old node lists its own and those of both boxes").toEqual([
    ...["serf 10.139.40.22", `serf ${ONE}`, `serf ${TWO}`, `syncthing ${ONE}`, `syncthing ${TWO}`],
  ]);
  // Avahi looks anew each time, and on a busy machine may end before all have answered.
  const { stdout: table } = await until(
    () => two.cbox("search", "syncthing"),
    ({ code, stdout }) => code === 0 && / Avahi$/m.test(stdout),
  );
  expect(table).toMatch(/^# {2}Type +Description +Host +Address +Distance +Found by$/m);
  expect(table).toMatch(/can-bruixa\.guifi\.local +10\.139\.40\.61:22000 +[\d.]+ ms +Serf$/m);
  expect(table).toMatch(/can-bruixa\.local +10\.228\.0\.2:22000 +[\d.]+ ms +Avahi$/m);
});

test("search --join pairs two Syncthings, also through the VPN, and refuses the box's own", async () => {
  const join = (at: WholeBox, which: string) => at.cbox("search", "syncthing", "--yes", "--join", which);
  const joined = await until(
    () => join(two, `${ONE_IN_VPN}:22000`),
    ({ code }) => code === 0,
  );
  expect(joined.stdout).toContain("This Syncthing knows that one now.");
  const [idOfOne, idOfTwo] = [await deviceId(one), await deviceId(two)];
  expect(await syncthing(two, "config", "devices", "list")).toContain(idOfOne);
  await holds(async () => (await syncthing(one, "show", "pending", "devices")).includes(idOfTwo));
  await succeeds(join(one, `${TWO}:22000`));
  await holds(async () => {
    const { connections } = JSON.parse(await syncthing(one, "show", "connections"));
    return connections[idOfTwo]?.connected === true;
  });
  for (const own of [ONE, ONE_IN_VPN]) {
    const { code, stderr } = await until(
      () => join(one, `${own}:22000`),
      (ended) => !ended.stderr.includes("[search-unknown]"),
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("[search-itself]")]);
  }
});

test.each([
  ["is no longer published", () => one.cbox("services", "unpublish", "syncthing"), undefined],
  [
    "is stopped",
    async () => {
      await one.stopUnit(SYNCTHING);
      return one.cbox("services", "stop", "syncthing");
    },
    () => one.startUnit(SYNCTHING),
  ],
])("a service that %s is soon gone at the other box, and returns", async (_what, stop, startAgain) => {
  const stopping = stop();
  const { seconds } = await untilFound((ofOne) => ofOne.length === 0);
  await succeeds(stopping);
  console.log(`gone after ${seconds.toFixed(1)} s`);
  expect(seconds).toBeLessThan(GONE_SECONDS);
  // The box itself is still there; Avahi takes back and announces all anew when one of its files goes.
  await untilFound(byBoth, "serf");
  await startAgain?.();
  await holds(async () => (await one.box.run("ss", ["-Hlnt"])).stdout.includes(":22000"));
  await succeeds(one.cbox("services", "publish", "syncthing"));
  await untilFound(byBoth);
});

test("Avahi announces two ports of one project separately", async () => {
  const ports = ["8085", "2525"];
  const project = { s: "Docker", d: "wiki:3_wiki", m: "can-bruixa.guifi.local", i: ONE, e: "guifi", t: "" };
  const files = avahiFiles(ports.map((p) => ({ ...project, p })));
  for (const [name, text] of files) await one.box.writeFile(`/etc/avahi/services/${name}`, text);
  const { ofOne } = await untilFound((found) => found.length === 2, "docker");
  expect(ofOne.map(({ description, port }) => `${port} ${description}`).sort()).toEqual([
    "2525 wiki:3 wiki (2525) on can-bruixa",
    "8085 wiki:3 wiki (8085) on can-bruixa",
  ]);
});

test("a box whose tags file was truncated by a power cut is found again", async () => {
  const tags = "/var/lib/serf/tags.json";
  const whole = (await one.box.readFile(tags)) ?? "";
  await one.stopUnit("serf.service");
  await one.box.writeFile(tags, whole.slice(0, -20));
  await one.startUnit("serf.service");
  await holds(async () => (await one.box.run(paths.serfRpc, ["info"])).code === 0);
  await succeeds(one.cbox("publish"));
  await untilFound(byBoth);
});

test("Avahi finds announcements in a VPN with routing, whose interface is point-to-point", async () => {
  const { ofOne: answersOfOne, ofTwo: answersOfTwo } = await vpnAnswers("router");
  const rejoin = async (at: WholeBox, answers: string) => {
    await leaveVpn(at);
    await joinVpn(at, answers);
  };
  await Promise.all([rejoin(one, answersOfOne), rejoin(two, answersOfTwo)]);
  const { stdout: tunnel } = await two.box.run("ip", ["-oneline", "link", "show", "dev", "guifi"]);
  expect(tunnel).toContain("POINTOPOINT");
  const { ofOne } = await untilFound((found) => found.some(({ by }) => by === "avahi"));
  expect(ofOne.find(({ by }) => by === "avahi")).toMatchObject({
    ...{ type: "syncthing", host: "can-bruixa.local", address: ONE_IN_VPN, port: "22000" },
  });
});

test("a box without power is soon gone at the other", async () => {
  one.cutPower();
  const { seconds } = await untilFound((ofOne) => ofOne.length === 0);
  console.log(`gone after ${seconds.toFixed(1)} s`);
  expect(seconds).toBeLessThan(GONE_SECONDS);
  const { services } = JSON.parse(await succeeds(two.cbox("search", "--json"))) as Search;
  expect(services.map(({ host }) => host)).toContain("can-pau.guifi.local");
});
