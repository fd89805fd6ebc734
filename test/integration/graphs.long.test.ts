// SPDX-License-Identifier: GPL-3.0-or-later
// Graphs of a zone: the list of devices from the community's site, real figures of a real SNMP agent and of one that
// only answers pings, pictures fetched across the lab. The graph server asks every second instead of every five minutes.
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../firstboot/box.ts";
import { refreshGraphs } from "../../firstboot/graphs/refresh.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import { findService } from "../../firstboot/services/catalogue.ts";
import { removeData } from "../../firstboot/services/engine.ts";
import { installPackages } from "../../firstboot/services/packages.ts";
import { placeOf } from "../../firstboot/services/place.ts";
import { labRoot } from "../../image/debian/lab-root.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import { seed } from "../lab/guifi-site/seed.ts";
import type { Device, Interface, SiteState } from "../lab/guifi-site/state.ts";
import type { LabHost } from "../lab/host.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { type ServiceBox, serviceBox } from "./service-box.ts";
import { community, image, until } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";

const NAME = "graphtest";
const BOX = "10.139.40.60";
const ZONE = 70_001;
const NODE = 70_002;
/** Its devices: one with an SNMP agent, one that answers pings alone, one that is not there, one that is planned. */
const AGENT = { id: 70_010, address: "10.139.40.90" };
const SILENT = { id: 70_011, address: "10.139.40.91" };
const DEAD = { id: 70_012, address: "10.139.40.92" };
const PLANNED = { id: 70_013, address: "10.139.40.93" };
const RRD = "/var/lib/cbox-graphs/rrd";
const TRAFFIC = `${RRD}/${AGENT.id}/snmp/guifi_traffic-eth0.rrd`;
const UNITS = ["store", "poll", "web"].map((name) => `cbox-guifi-graphs-${name}.service`);

let lab: Lab;
let graphs: ServiceBox;
let agent: ChildProcess | undefined;

beforeAll(async () => {
  await labDown(NAME);
  const hosts = [
    dns("dns", "10.139.40.1"),
    site(),
    { name: "agent", address: AGENT.address },
    { name: "silent", address: SILENT.address },
    { name: "box", address: BOX },
    { name: "client", address: "10.139.40.80" },
  ];
  lab = await labUp({ name: NAME, root: await labRoot(), community, hosts });
  graphs = await serviceBox(lab, "box", (box) => refreshGraphs(box, image));
  await installPackages(placeOf(graphs.box, "host"), findService("snmp")!);
  await graphs.box.writeFile("/etc/snmp/agent.conf", "rocommunity public 10.0.0.0/8\n");
  const snmpd = ["snmpd", "-f", "-Lo", "-C", "-c", "/etc/snmp/agent.conf", "udp:161"];
  agent = graphs.at("agent").start(snmpd);
});

afterAll(async () => {
  agent?.kill("SIGKILL");
  await graphs?.off();
  await labDown(NAME);
});

/** The community's site, with a zone of devices that are in this lab. */
function site(): LabHost {
  const host = guifiSite(SITE_HOST, "10.139.40.31");
  return {
    ...host,
    async server(...about) {
      const server = await host.server?.(...about);
      if (!server) throw new Error("the site has a server");
      return { ...server, files: { ...server.files, "state.json": JSON.stringify(withZone(seed())) } };
    },
  };
}

function withZone(state: SiteState): SiteState {
  const dates = { created: "20160101 0101", updated: "20160101 0101" };
  const lan = (id: number, ipv4: string): Interface => ({
    ...{ id, type: "Lan", mac: "02:00:00:00:00:01", ipv4, mask: "255.255.255.0", links: [] },
  });
  const device = ({ id, address }: typeof AGENT, title: string, rest: Partial<Device> = {}): Device => ({
    ...{ id, owner: 900, maintainers: [], title, type: "radio", status: "Working", ...dates },
    ...{ notification: "", radios: [], interfaces: [lan(id * 2, address)], ...rest },
  });
  const devices = [
    device(AGENT, "CanBruixaRd1", { firmware: "RouterOSv6.x" }),
    device(SILENT, "CanBruixaRd2", { firmware: "AirOsv5.x" }),
    device(DEAD, "CanBruixaRd3"),
    device(PLANNED, "CanBruixaRd4", { status: "Planned" }),
  ];
  const place = { lat: "41.39", lon: "2.2", status: "Working", ...dates };
  state.zones.push({ id: ZONE, title: "Can Bruixa", box: "2,41,3,42", ...dates });
  state.nodes.push({ id: NODE, zone: ZONE, owner: 900, title: "CanBruixa", ...place, devices });
  return state;
}

const client = (...command: string[]) => lab.run("client", command);
const isOpen = () =>
  client("sh", "-c", `busybox nc -w 1 ${BOX} 80 </dev/null`).then(({ code }) => code === 0);

/** What a browser gets of the graph server. */
async function get(query: string, ...words: string[]) {
  const url = `http://${BOX}/snpservices/index.php${query ? `?${query}` : ""}`;
  const about = "\n%{http_code} %{content_type}";
  const { stdout } = await client(
    "curl",
    "--silent",
    "--max-time",
    "20",
    "--write-out",
    about,
    ...words,
    url,
  );
  const [, body = "", code = "", type = ""] = /^([\s\S]*)\n(\d+) (.*)$/.exec(stdout) ?? [];
  return { body, code: Number(code), type };
}

/** A picture's width and height, and how many bytes it takes. */
async function getPicture(query: string) {
  const url = `http://${BOX}/snpservices/index.php?${query}`;
  const { stdout } = await client("sh", "-c", `curl --silent --max-time 20 '${url}' | base64 -w0`);
  const bytes = Buffer.from(stdout, "base64");
  expect(bytes.subarray(1, 4).toString(), bytes.toString("latin1", 0, 200)).toBe("PNG");
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), bytes: bytes.length };
}

/** Figures that are known, oldest first: time in seconds, then one number for each source. */
async function figures(file: string): Promise<number[][]> {
  const daemon = ["--daemon", "unix:/run/cbox-graphs/poll.sock"];
  const { stdout } = await graphs.box.run("rrdtool", ["fetch", file, "AVERAGE", "--start=-300", ...daemon]);
  return stdout
    .split("\n")
    .filter((line) => /^\d+: /.test(line) && !line.includes("nan"))
    .map((line) => line.split(/:? /).map(Number));
}

/** Octets that the agent has received, as it says itself. */
async function octets(): Promise<number> {
  const { stdout } = await client(
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

describe("graphs of a zone", () => {
  test("are of the devices that the community's map lists", async () => {
    await graphs.switchOn("guifi-graphs", { zone: String(ZONE) });
    const { body, code, type } = await get("");
    expect([code, type]).toEqual([200, "text/html; charset=utf-8"]);
    for (const { id, address } of [AGENT, SILENT, DEAD]) {
      expect(body).toContain(`?device=${id}`);
      expect(body).toContain(address);
    }
    expect(body).not.toContain(PLANNED.address);
    const { body: catalan } = await get("", "--header", "Accept-Language: ca");
    expect(catalan).toContain("<title>Gràfiques</title>");
  });

  test.each(UNITS)("%s is locked up", async (unit) => {
    await expectSandboxed(graphs.box, unit);
  });

  test("are announced as the community knows a graph server", async () => {
    const { ready } = await announcements(graphs.box, image, BOX);
    expect(ready.find(({ s }) => s === "snpservice")).toMatchObject({ d: "SNPService System", p: "80" });
  });

  test("have no figures yet, and say so", async () => {
    const { body, code } = await get(`call=graph&type=device&device=${DEAD.id}&node=${NODE}`);
    expect([code, body]).toEqual([404, "no traffic of that device yet\n"]);
    const { body: picture, type } = await get(`call=availability&device=${DEAD.id}&format=short`);
    expect(type).toBe("image/svg+xml");
    expect(picture).toContain(">n/a<");
  });

  test("take little room", async () => {
    const size = async () => (await graphs.box.run("stat", ["-c", "%s", TRAFFIC])).stdout;
    expect(Number(await until(size, Boolean))).toBeLessThan(100_000);
  });
});

describe("figures", () => {
  beforeAll(async () => {
    await faster();
  });

  test("agree with what the device counts itself", async () => {
    await until(
      () => figures(TRAFFIC),
      (known) => known.length > 2,
    );
    const [before, since] = [await octets(), Date.now() / 1000];
    const flood = ["ping", "-q", "-f", "-c", "2000", "-s", "1400", AGENT.address];
    expect((await client(...flood)).stdout).toContain("2000 received");
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

  test("tell who answers: one with an agent, one with pings alone, one not at all", async () => {
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
    expect(await graphs.box.exists(`${RRD}/${SILENT.id}`)).toBe(false);
    expect(await graphs.box.exists(`${RRD}/box/ping/ping_stddev-${AGENT.address}.rrd`)).toBe(false);
  });

  test.each([
    ["traffic", `type=device&device=${AGENT.id}`],
    ["a radio's traffic", `type=radio&radio=${AGENT.id}`],
    ["traffic of one interface", `type=device&device=${AGENT.id}&interface=eth0`],
    ["a node's traffic", "type=supernode&direction=out"],
    ["traffic of those that a device serves", `type=clients&device=${AGENT.id}&direction=in`],
    ["answers", `type=pings&device=${AGENT.id}`],
    ["no answers", `type=pings&device=${DEAD.id}`],
  ])("are a picture across the network: %s", async (_what, query) => {
    const place = `call=graph&node=${NODE}&start=-120&end=-1`;
    const picture = await getPicture(`${place}&width=400&height=100&${query}`);
    expect(picture.width).toBeGreaterThan(400);
    expect(picture.height).toBeGreaterThan(100);
    // Frame and axes of the same picture long ago, without a line in it.
    const empty = await getPicture(
      `${place.replace("-120", "-9000000").replace("=-1", "=-8999000")}&width=400&height=100&${query}`,
    );
    expect(picture.bytes).not.toBe(empty.bytes);
  });

  test("are told to the community's site as it asks", async () => {
    expect((await get("call=version")).body).toBe("0.2.3");
    const { body } = await get(`call=stats&devices=${AGENT.id},${DEAD.id},7`);
    const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    const [one = "", other = "", ...rest] = body.trim().split("\n");
    expect(one).toMatch(
      new RegExp(`^${AGENT.id}\\|\\d+,\\d+,100\\.00,[\\d/]+ [\\d:]+,${day},\\d\\d:\\d\\d,100\\|0,\\d+,\\d+$`),
    );
    expect(Number(one.split(",").at(-2)), "MB received").toBeGreaterThanOrEqual(2);
    expect(other).toMatch(new RegExp(`^${DEAD.id}\\|0,0,0\\.00,n/a,${day},\\d\\d:\\d\\d,0$`));
    expect(rest).toEqual([]);
    expect((await get(`call=availability&device=${AGENT.id}`)).body).toMatch(
      /#33ff00.*>Up \d\d:\d\d \(100\.00%\)</,
    );
    expect((await get(`call=availability&device=${DEAD.id}&format=short`)).body).toContain(">Down (0.00%)<");
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
  ])("%s is not to be had", async (_what, query, words) => {
    if (words === undefined) return expect((await getPicture(query)).bytes).toBeGreaterThan(0);
    const { body, code } = await get(query);
    expect(code).toBe(404);
    expect(body.trim()).toMatch(words);
  });

  test("the page of a device has a picture for each of its interfaces", async () => {
    const { body } = await get(`device=${AGENT.id}`);
    expect(body).toContain("<h1>CanBruixaRd1</h1>");
    expect(body.match(/interface=eth0&amp;node=70002&amp;device=70010&amp;start=-86400/g)).toHaveLength(1);
    expect(body).not.toContain("interface=lo&");
  });

  test("what it takes", async () => {
    const memory = ["rrdcached", "collectd", "lighttpd"].map((program) => [
      program,
      graphs.residentKib(program),
    ]);
    console.log("resident KiB:", Object.fromEntries(memory));
    expect(memory.reduce((sum, [, kib]) => sum + Number(kib), 0)).toBeLessThan(64 * 1024);
  });
});

describe("afterwards", () => {
  test("a site that does not answer changes nothing", async () => {
    await lab.change(SITE_HOST, "test", { isDown: true });
    expect(await refreshGraphs(graphs.box, image)).toBe("kept");
    await lab.change(SITE_HOST, "test", undefined);
    expect(await refreshGraphs(graphs.box, image)).toBe("unchanged");
    expect((await get("")).body).toContain(AGENT.address);
  });

  test("off: the port is closed, nothing is announced, the figures stay until they are removed", async () => {
    await graphs.switchOff("guifi-graphs");
    expect(await isOpen()).toBe(false);
    const { ready } = await announcements(graphs.box, image, BOX);
    expect(ready.map(({ s }) => s)).not.toContain("snpservice");
    expect((await graphs.box.run("rrdtool", ["info", TRAFFIC])).stdout).toContain('type = "COUNTER"');
    const service = findService("guifi-graphs")!;
    expect(await removeData({ box: graphs.box, image }, service)).toEqual(["host: /var/lib/cbox-graphs"]);
    expect(await graphs.box.exists(RRD)).toBe(false);
  });
});

/** The same files with another step: they are made anew, since a file keeps the step that it was made with. */
async function faster(): Promise<void> {
  const path = "/etc/cbox-guifi-graphs/collectd.conf";
  const text = (await graphs.box.readFile(path)) ?? "";
  const steps = { Interval: 1, MaxReadInterval: 2, StepSize: 1, HeartBeat: 5 };
  const changed = Object.entries(steps).reduce(
    (all, [name, seconds]) => all.replaceAll(new RegExp(`(\\b${name}) \\d+`, "g"), `$1 ${seconds}`),
    text,
  );
  expect(changed).not.toBe(text);
  await graphs.box.writeFile(path, changed);
  await must(graphs.box, "find", [RRD, "-name", "*.rrd", "-delete"]);
  for (const unit of UNITS.slice(0, 2)) await graphs.restart(unit);
}
