// SPDX-License-Identifier: GPL-3.0-or-later
// Graphs of a zone: the list of devices from the community's site, real figures of a real SNMP agent and of one that
// only answers pings, pictures fetched across the lab. The graph server asks every second instead of every five minutes.
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { refreshGraphs } from "../../firstboot/graphs/refresh.ts";
import { runOrFail } from "../../firstboot/host/box.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import { removeData } from "../../firstboot/services/engine.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { type GraphClient, graphClient, NODE, siteWithZone, ZONE } from "./graph-client.ts";
import { BOX, image, install, type ServiceLab, serviceLab, until } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";

/** Devices of the zone: one with an SNMP agent, one that answers pings alone, one that is not there, one that is planned. */
const AGENT = { id: 70_010, address: "10.139.40.90" };
const SILENT = { id: 70_011, address: "10.139.40.91" };
const DEAD = { id: 70_012, address: "10.139.40.92" };
const PLANNED = { id: 70_013, address: "10.139.40.93" };
const RRD = "/var/lib/cbox-graphs/rrd";
/** As people call their interfaces; two are called the same. */
const ODD_NAMES = ["wlan1:ap", "bridge,1", "ether1 up/link", "<ap>", "twin", "twin"];
const UNITS = ["store", "poll", "web"].map((name) => `cbox-guifi-graphs-${name}.service`);

let community: ServiceLab;
let box: ChrootBox;
let graphs: GraphClient;
let agent: ChildProcess | undefined;
/** File of the figures of the agent's eth0. */
let TRAFFIC: string;

beforeAll(async () => {
  const devices = [
    { ...AGENT, firmware: "RouterOSv6.x" },
    { ...SILENT, firmware: "AirOsv5.x" },
    DEAD,
    { ...PLANNED, status: "Planned" },
  ];
  community = await serviceLab({
    name: "catgraphs",
    boxes: ["box"],
    hosts: [
      guifiSite(SITE_HOST, "10.139.40.31", () => siteWithZone(devices)),
      { name: "agent", address: AGENT.address },
      { name: "silent", address: SILENT.address },
    ],
  });
  box = community.boxOf("box");
  graphs = graphClient(community.lab, "client", BOX);
  await install(box, findService("snmp")!);
  const { lab } = community;
  const ip = (...words: string[]) => lab.run("agent", ["ip", ...words]);
  for (const index of [0, 2, 4])
    await ip("link", "add", `odd${index}`, "type", "veth", "peer", "name", `odd${index + 1}`);
  const links = JSON.parse((await ip("-json", "link")).stdout) as { ifname: string; ifindex: number }[];
  const numberOf = (name: string) => links.find(({ ifname }) => ifname === name)?.ifindex;
  TRAFFIC = `${RRD}/${AGENT.id}/snmp-eth0/guifi_traffic-${numberOf("eth0")}.rrd`;
  // Linux has no such names, other systems have.
  const names = ODD_NAMES.map(
    (name, index) => `override .1.3.6.1.2.1.31.1.1.1.1.${numberOf(`odd${index}`)} octet_str "${name}"\n`,
  );
  await box.writeFile("/etc/snmp/agent.conf", `rocommunity public 10.0.0.0/8\n${names.join("")}`);
  const snmpd = ["snmpd", "-f", "-Lo", "-C", "-c", "/etc/snmp/agent.conf", "udp:161"];
  agent = chrootBox(community.rootOf("box"), community.lab.place("agent").namespace).start(snmpd);
});

afterAll(async () => {
  agent?.kill("SIGKILL");
  await community?.down();
});

/** Figures that are known, oldest first: time in seconds, then one number for each source. */
async function figures(file: string): Promise<number[][]> {
  const daemon = ["--daemon", "unix:/run/cbox-graphs/poll.sock"];
  const { stdout } = await box.run("rrdtool", ["fetch", file, "AVERAGE", "--start=-300", ...daemon]);
  return stdout
    .split("\n")
    .filter((line) => /^\d+: /.test(line) && !line.includes("nan"))
    .map((line) => line.split(/:? /).map(Number));
}

/** Octets that the agent has received, as it says itself. */
async function octets(): Promise<number> {
  const { stdout } = await community.client(
    "snmpwalk",
    "-v2c",
    "-cpublic",
    "-Oqn",
    AGENT.address,
    "1.3.6.1.2.1.31.1.1.1",
  );
  const index = /^\.1\.3\.6\.1\.2\.1\.31\.1\.1\.1\.1\.(\d+) "?eth0"?$/m.exec(stdout)?.[1];
  return Number(
    new RegExp(`^\\.1\\.3\\.6\\.1\\.2\\.1\\.31\\.1\\.1\\.1\\.6\\.${index} (\\d+)$`, "m").exec(stdout)?.[1],
  );
}

describe("the graphs of a zone", () => {
  test("include the devices on the community's map", async () => {
    await community.switchOn("box", "guifi-graphs", { zone: String(ZONE) });
    const { body, code, type } = await graphs.get("");
    expect([code, type]).toEqual([200, "text/html; charset=utf-8"]);
    for (const { id, address } of [AGENT, SILENT, DEAD]) {
      expect(body).toContain(`?device=${id}`);
      expect(body).toContain(address);
    }
    expect(body).not.toContain(PLANNED.address);
    const { body: catalan } = await graphs.get("", "--header", "Accept-Language: ca");
    expect(catalan).toContain("<title>Gràfiques</title>");
  });

  test.each(UNITS)("are made in a sandbox: %s", async (unit) => {
    await expectSandboxed(box, unit);
  });

  test("are announced as the community's graph servers are", async () => {
    const { ready } = await announcements(box, image, BOX);
    expect(ready.find(({ s }) => s === "snpservice")).toMatchObject({ d: "SNPService System", p: "80" });
  });

  test("say that they have no figures yet", async () => {
    const { body, code } = await graphs.get(`call=graph&type=device&device=${DEAD.id}&node=${NODE}`);
    expect([code, body]).toEqual([404, "no traffic of that device yet\n"]);
    const { body: svg, type } = await graphs.get(`call=availability&device=${DEAD.id}&format=short`);
    expect(type).toBe("image/svg+xml");
    expect(svg).toContain(">n/a<");
  });

  test("use little disk space", async () => {
    const size = async () => (await box.run("stat", ["-c", "%s", TRAFFIC])).stdout;
    expect(Number(await until(size, Boolean))).toBeLessThan(100_000);
  });
});

describe("the figures of the graphs", () => {
  beforeAll(async () => {
    await faster();
  });

  test("agree with the device's own counters", async () => {
    await until(
      () => figures(TRAFFIC),
      (known) => known.length > 2,
    );
    const [before, since] = [await octets(), Date.now() / 1000];
    const flood = ["ping", "-q", "-f", "-c", "2000", "-s", "1400", AGENT.address];
    expect((await community.client(...flood)).stdout).toContain("2000 received");
    // The agent itself looks at its interfaces every few seconds only.
    const carried = await until(
      async () => (await octets()) - before,
      (sum) => sum > 2000 * 1400,
    );
    expect(carried).toBeGreaterThan(2000 * 1400);
    const after = Date.now() / 1000;
    const known = await until(
      () => figures(TRAFFIC),
      (rows) => (rows.at(-1)?.[0] ?? 0) > after + 3,
    );
    const sum = known.filter(([time = 0]) => time >= since - 1).reduce((all, [, rx = 0]) => all + rx, 0);
    // One figure a second, so their sum is octets; what else crosses the wire meanwhile is little.
    expect(sum / carried).toBeGreaterThan(0.95);
    expect(sum / carried).toBeLessThan(1.1);
  });

  test("show who answers: one device with an agent, one by pings only, one not at all", async () => {
    const lost = async ({ address }: typeof AGENT) =>
      (await figures(`${RRD}/box/ping/ping_droprate-${address}.rrd`)).at(-1)?.[1];
    expect(
      await until(
        () => lost(DEAD),
        (share) => share === 1,
      ),
      "dead",
    ).toBe(1);
    expect(await lost(AGENT), "agent").toBe(0);
    expect(await lost(SILENT), "silent").toBe(0);
    expect(await box.exists(`${RRD}/${SILENT.id}`)).toBe(false);
    expect(await box.exists(`${RRD}/box/ping/ping_stddev-${AGENT.address}.rrd`)).toBe(false);
  });

  test.each([
    ["traffic", `type=device&device=${AGENT.id}`, 0x6699ff],
    ["a radio's traffic", `type=radio&radio=${AGENT.id}`, 0x6699ff],
    ["traffic of one interface", `type=device&device=${AGENT.id}&interface=eth0`, 0x6699ff],
    ["a node's traffic", "type=supernode&direction=out", 0x0000ff],
    ["traffic of those that a device serves", `type=clients&device=${AGENT.id}&direction=in`, 0x0000ff],
    ["answers", `type=pings&device=${AGENT.id}`, 0x008000],
    ["no answers", `type=pings&device=${DEAD.id}`, 0xffcc00],
  ])("are drawn as a picture over the network: %s", async (_what, query, colour) => {
    const place = `call=graph&node=${NODE}&width=400&height=100&${query}`;
    const drawn = await graphs.picture(`${place}&start=-120&end=-1`);
    expect(drawn.width).toBeGreaterThan(400);
    expect(drawn.height).toBeGreaterThan(100);
    // The same with nothing in it but the legend, which has the colour, too.
    const empty = await graphs.picture(`${place}&start=-9000000&end=-8999000`);
    expect(drawn.pixels(colour)).toBeGreaterThan(empty.pixels(colour) + 20);
  });

  test("are reported to the community's site in its format", async () => {
    expect((await graphs.get("call=version")).body).toBe("0.2.3");
    const { body } = await graphs.get(`call=stats&devices=${AGENT.id},${DEAD.id},7`);
    const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    const [one = "", other = "", ...rest] = body.trim().split("\n");
    expect(one).toMatch(
      new RegExp(`^${AGENT.id}\\|\\d+,\\d+,100\\.00,[\\d/]+ [\\d:]+,${day},\\d\\d:\\d\\d,100\\|0,\\d+,\\d+$`),
    );
    expect(Number(one.split(",").at(-2)), "MB received").toBeGreaterThanOrEqual(2);
    expect(other).toMatch(new RegExp(`^${DEAD.id}\\|0,0,0\\.00,n/a,${day},\\d\\d:\\d\\d,0$`));
    expect(rest).toEqual([]);
    expect((await graphs.get(`call=availability&device=${AGENT.id}`)).body).toMatch(
      /#33ff00.*>Up \d\d:\d\d \(100\.00%\)</,
    );
    expect((await graphs.get(`call=availability&device=${DEAD.id}&format=short`)).body).toContain(
      ">Down (0.00%)<",
    );
  });

  test.each([
    ["another service", "call=phpinfo", /^no such service here$/],
    ["a device of somebody else", "call=graph&type=pings&device=48400", /^no such device here$/],
    [
      "a way out of the directory",
      `call=graph&type=device&device=${AGENT.id}&interface=../../box/ping/ping`,
      undefined,
    ],
    ["a command", `call=graph&type=pings&device=${AGENT.id}%3bid`, /^no such device here$/],
    ["no kind", "call=graph", /^type is one of /],
  ])("do not give access to %s", async (_what, query, words) => {
    if (words === undefined) return expect((await graphs.picture(query)).width).toBeGreaterThan(0);
    const { body, code } = await graphs.get(query);
    expect(code).toBe(404);
    expect(body.trim()).toMatch(words);
  });

  test("are shown with a picture for each interface on the page of a device", async () => {
    const { body } = await graphs.get(`device=${AGENT.id}`);
    expect(body).toContain("<h1>CanBruixaRd1</h1>");
    const pictures = [...body.matchAll(/alt="([^"]*)" src="\?(call=\S*index=\d+\S*start=-86400)"/g)];
    const shown = ["eth0", "wlan1:ap", "bridge,1", "ether1 up_link", "&lt;ap&gt;", "twin", "twin"];
    expect(pictures.map(([, name]) => name).sort()).toEqual(shown.sort());
    expect(body).not.toContain('alt="lo"');
    for (const [, name, query = ""] of pictures) {
      const drawn = await graphs.picture(query.replaceAll("&amp;", "&"));
      expect(drawn.width, name).toBeGreaterThan(400);
    }
  });

  test("need less than 64 MiB of memory", async () => {
    const memory = ["rrdcached", "collectd", "lighttpd"].map((program) => [
      program,
      community.residentKib("box", program),
    ]);
    console.log("resident KiB:", Object.fromEntries(memory));
    expect(memory.reduce((sum, [, kib]) => sum + Number(kib), 0)).toBeLessThan(64 * 1024);
  });
});

describe("the graphs afterwards", () => {
  test("do not change when the site does not answer", async () => {
    await community.lab.change(SITE_HOST, "test", { isDown: true });
    expect(await refreshGraphs(box, image)).toBe("kept");
    await community.lab.change(SITE_HOST, "test", undefined);
    expect(await refreshGraphs(box, image)).toBe("unchanged");
    expect((await graphs.get("")).body).toContain(AGENT.address);
  });

  test("close their port and end their announcement when disabled, and keep the figures until they are removed", async () => {
    await community.switchOff("box", "guifi-graphs");
    expect(await community.isOpen(80)).toBe(false);
    const { ready } = await announcements(box, image, BOX);
    expect(ready.map(({ s }) => s)).not.toContain("snpservice");
    expect((await box.run("rrdtool", ["info", TRAFFIC])).stdout).toContain('type = "COUNTER"');
    const service = findService("guifi-graphs")!;
    expect(await removeData({ box: box, image }, service)).toEqual(["host: /var/lib/cbox-graphs"]);
    expect(await box.exists(RRD)).toBe(false);
  });
});

/** The same files with another step: they are made anew, since a file keeps the step that it was made with. */
async function faster(): Promise<void> {
  const path = "/etc/cbox-guifi-graphs/collectd.conf";
  const text = (await box.readFile(path)) ?? "";
  const steps = { Interval: 1, MaxReadInterval: 2, StepSize: 1, HeartBeat: 30 };
  const changed = Object.entries(steps).reduce(
    (all, [name, seconds]) => all.replaceAll(new RegExp(`(\\b${name}) \\d+`, "g"), `$1 ${seconds}`),
    text,
  );
  expect(changed).not.toBe(text);
  await box.writeFile(path, changed);
  await runOrFail(box, "find", [RRD, "-name", "*.rrd", "-delete"]);
  for (const unit of UNITS.slice(0, 2)) await community.restart("box", unit);
}
