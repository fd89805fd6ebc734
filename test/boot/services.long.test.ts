// SPDX-License-Identifier: GPL-3.0-or-later
// Services on the real image: all of the catalogue that comes from Debian at once on a box with 2 GiB, chosen in
// answers.yaml, installed without a network, each in its best place, and asked across the lab by clients that know
// nothing of the box.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { graphClient, NODE, siteWithZone, ZONE } from "../integration/graph-client.ts";
import { probe, SIZE, testPicture, videoClient } from "../integration/video-client.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import type { LabHost } from "../lab/host.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { memberWhere } from "../lab/serf.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import { quoted, say } from "./inside.ts";
import { subject } from "./subject.ts";

const SECRET = "cargol groc damunt la teulada";
const WEB = "10.139.40.70";
const PAGE = "a page of the community";
/** Unpacking all of them on an emulated processor. */
const INSTALL_MS = 3_600_000;

const PROGRAM = `require("node:http").createServer((_, reply) => reply.end(${JSON.stringify(PAGE)}))
  .listen(80, () => console.log("ready"));`;
const web: LabHost = {
  name: "web",
  address: WEB,
  server: async () => ({ command: ["node", "-e", PROGRAM], ready: /ready/ }),
};

/** Devices of the zone: one that answers pings, and one that is not there. */
const ASKER = { id: 70_010, address: "10.139.40.80" };
const DEAD = { id: 70_011, address: "10.139.40.92" };
const withZone = () => siteWithZone([ASKER, DEAD]);
const hosts = LAB_HOSTS.map((host) =>
  host.name === SITE_HOST ? guifiSite(host.name, host.address!, withZone) : host,
);

const ANSWERS = `version: 1
system:
  language: en
  hostname: can-bruixa
  owner: { name: anna, password: "${SECRET}" }
network: { method: dhcp }
services:
  guifi-proxy: { enabled: true, cache_mib: 100 }
  syncthing: { enabled: true }
  docker: { enabled: true }
  snmp: { enabled: true, contact: anna@example.net }
  mosquitto: { enabled: true, users: anna }
  etcd: { enabled: true, cluster: first }
  webdav: { enabled: true, users: anna }
  tahoe-lafs: { enabled: true, name: Can-Bruixa }
  guifi-dns: { enabled: true, server: 54621 }
  monitoring: { enabled: true, zone: true }
  guifi-graphs: { enabled: true, zone: "${ZONE}" }
  streaming: { enabled: true, record: true }
`;

let lab: Lab;
let box: Box;
let address: string;

beforeAll(async () => {
  const it = await subject("vm-amd64");
  lab = await labUp({
    name: "svcboot",
    root: await labRoot(),
    community: loadCommunity("guifi"),
    hosts: [...hosts, web, { name: "asker", address: ASKER.address }],
  });
  box = await createBox({ ...it, lab, ownDisk: true, memoryMib: 2048 });
  const partition = await box.bootPartition();
  await partition.put("answers.yaml", ANSWERS);
  await partition.put("ca.pem", lab.authority());
  await box.powerOn();
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
});

const asks = (...command: string[]) => lab.run("asker", command);
const isOpen = (port: number) =>
  asks("sh", "-c", `busybox nc -w 5 ${address} ${port} </dev/null`).then(({ code }) => code === 0);

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly where: string | null;
  readonly works: boolean;
}

test("the set-up installs and starts all services", async () => {
  await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + INSTALL_MS });
  const { services } = JSON.parse(await box.ask("cbox services --json", { timeoutMs: BOOT_MS })) as {
    services: Listed[];
  };
  // With the box's own words when one of them has failed.
  const log = await box.ask(
    "grep -E -B3 '-> [1-9]|service-|trouble' /var/log/community-box/firstboot.log | tail -n 60 || true",
  );
  expect(
    services.filter(({ state }) => state === "starting"),
    log,
  ).toEqual([]);
  const on = services.filter(({ state }) => state === "on");
  expect(Object.fromEntries(on.map(({ id, where }) => [id, where]))).toEqual({
    serf: "host",
    "guifi-proxy": "community",
    syncthing: "owner",
    docker: "community",
    snmp: "host",
    mosquitto: "owner",
    etcd: "owner",
    webdav: "owner",
    "tahoe-lafs": "owner",
    "guifi-dns": "host",
    monitoring: "host",
    "guifi-graphs": "host",
    streaming: "owner",
  });
  expect(on.filter(({ works }) => !works)).toEqual([]);
}, 4_800_000);

describe("the services, used from other hosts", () => {
  test("are announced, as a neighbour's Serf reads", async () => {
    const { services } = await memberWhere(lab, (member) =>
      member.services.some(({ s, m }) => s === "proxy3" && m === "can-bruixa.guifi.local"),
    );
    expect(services.map(({ s, p }) => `${s} ${p}`).slice(0, 4)).toEqual([
      "serf 5000",
      "proxy3 3128",
      "dnsservice 53",
      "snpservice 80",
    ]);
    address = services[0]!.i;
  });

  test("are all ready to be announced, and announced as far as there is space", async () => {
    const record = await box.ask("cat /run/community-box/publish.json");
    const { published, omitted, silent } = JSON.parse(record) as {
      published: { s: string }[];
      omitted: string[];
      silent: string[];
    };
    const types = ["serf", "proxy3", "dnsservice", "snpservice", "syncthing", "tahoe-lafs", "streaming"];
    types.push("webdav", "mosquitto", "etcd", "snmp", "monitoring");
    expect([...published.map(({ s }) => s), ...omitted].sort()).toEqual(types.sort());
    expect(silent).toEqual([]);
    // With their long addresses these two take most of the room.
    for (const id of ["syncthing", "tahoe-lafs"])
      await box.ask(`cbox services unpublish ${id}`, { timeoutMs: BOOT_MS });
    const { services } = await memberWhere(lab, (member) =>
      member.services.some(({ s }) => s === "streaming"),
    );
    expect(services.find(({ s }) => s === "streaming")).toMatchObject({ d: "Live_video", p: "8090" });
  });

  /** Those that the box made for a service, by account. */
  const passwords = async (id: string) =>
    (
      JSON.parse(await box.ask(`cat /var/lib/community-box/secrets/${id}.json`)) as {
        passwords: { [account: string]: string };
      }
    ).passwords;

  const throughProxy = (credentials: string) =>
    lab.run("asker", [
      ...["curl", "--silent", "--max-time", "60", "--write-out", " %{http_code}"],
      ...["--proxy", `http://${address}:3128`, "--proxy-user", credentials, `http://${WEB}/`],
    ]);

  test("include a proxy that accepts a member, and nobody with a wrong password", async () => {
    // Of the lab all is a neighbour, and the proxy, in the community's context, reaches those when the owner says so.
    await box.ask("cbox contexts walls open 10.139.40.0/24", { timeoutMs: BOOT_MS });
    expect((await throughProxy(`anna:${labMember("anna").password}`)).stdout).toBe(`${PAGE} 200`);
    expect((await throughProxy("anna:wrong")).stdout).toMatch(/ 407$/);
  });

  test("include SNMP, by which snmpget reads the name of the box", async () => {
    const get = ["snmpget", "-v2c", "-c", "public", "-t5", "-On", address, ".1.3.6.1.2.1.1.5.0"];
    expect((await lab.run("asker", get)).stdout).toContain("can-bruixa");
  });

  test("include Syncthing, which presents its certificate and hides its web page", async () => {
    const hello = `openssl s_client -connect ${address}:22000 -alpn bep/1.0 </dev/null 2>/dev/null`;
    expect((await lab.run("asker", ["sh", "-c", hello])).stdout).toContain("BEGIN CERTIFICATE");
    expect(await isOpen(8384)).toBe(false);
  });

  test("include MQTT, which passes messages with a password only", async () => {
    const { anna } = await passwords("mosquitto");
    const publish = (...account: string[]) =>
      asks("mosquitto_pub", "-h", address, "-q", "1", "-r", "-t", "door", "-m", "open", ...account);
    expect((await publish()).code).not.toBe(0);
    expect(await publish("-u", "anna", "-P", anna!)).toMatchObject({ code: 0 });
    const subscribe = ["mosquitto_sub", "-h", address, "-t", "door", "-C", "1", "-W", "20"];
    expect((await asks(...subscribe, "-u", "anna", "-P", anna!)).stdout).toBe("open\n");
  });

  test("include a key-value store that returns what another host stored", async () => {
    // Its interface for clients without etcdctl, which takes and gives base64.
    const ask = async (call: "put" | "range", body: object) =>
      JSON.parse(
        (
          await asks(
            ...["curl", "--silent", "--max-time", "60", "--data", JSON.stringify(body)],
            `http://${address}:2379/v3/kv/${call}`,
          )
        ).stdout || "null",
      );
    const [key, value] = ["greeting", "bon dia"].map((text) => Buffer.from(text).toString("base64"));
    expect(await ask("put", { key, value })).toMatchObject({ header: { revision: "2" } });
    expect(await ask("range", { key })).toMatchObject({ count: "1", kvs: [{ key, value }] });
  });

  test("include a share, whose files only its account reads and writes", async () => {
    const { anna } = await passwords("webdav");
    const share = (...words: string[]) =>
      asks(
        ...["curl", "--silent", "--max-time", "60", "--write-out", " %{http_code}", "--digest", ...words],
        `http://${address}:8008/a.txt`,
      );
    expect((await share("--request", "PUT", "--data", "snow")).stdout).toMatch(/ 401$/);
    const account = ["--user", `anna:${anna}`];
    expect((await share(...account, "--request", "PUT", "--data", "snow")).stdout).toMatch(/ 201$/);
    expect((await share(...account)).stdout).toBe("snow 200");
  });

  test("include a grid that stores and returns a letter, with an open introducer and a closed gateway", async () => {
    const letter = `fetch("http://127.0.0.1:3456/uri", { method: "PUT", body: "Benvolguts veins, ".repeat(100) })
      .then((reply) => reply.text())
      .then((cap) => fetch("http://127.0.0.1:3456/uri/" + cap))
      .then((reply) => reply.text())
      .then((text) => console.log(text.length));`;
    expect(await box.ask(`node -e ${quoted(letter)}`, { timeoutMs: BOOT_MS })).toBe("1800");
    expect(await isOpen(3458)).toBe(true);
    expect(await isOpen(3456)).toBe(false);
  });

  test("include the names of the community's zone", async () => {
    const dig = ["dig", "+short", "+tries=3", "+time=10", `@${address}`, "ns1.andoain.guifi.local"];
    expect((await asks(...dig)).stdout.trim()).toBe("10.69.12.18");
  });

  test("include the graphs of the zone, which show who answers, also as a picture", async () => {
    const graphs = graphClient(lab, "asker", address);
    const availability = async ({ id }: typeof ASKER) =>
      (await graphs.get(`call=availability&device=${id}&format=short`)).body;
    // One figure of pings takes five minutes, and the first one is not whole.
    const patience = { timeout: 1_200_000, interval: 10_000 };
    await expect.poll(() => availability(ASKER), patience).toContain(">Up (");
    await expect.poll(() => availability(DEAD), patience).toContain(">Down (0.00%)<");
    for (const [{ id }, colour] of [
      [ASKER, 0x008000],
      [DEAD, 0xffcc00],
    ] as const) {
      const picture = (time: string) =>
        graphs.picture(`call=graph&type=pings&node=${NODE}&device=${id}&width=400&height=100&${time}`);
      const drawn = await picture("start=-900&end=-1");
      // The same with nothing in it but the legend, which has the colour, too.
      const empty = await picture("start=-9000000&end=-8999100");
      expect(drawn.pixels(colour), `device ${id}`).toBeGreaterThan(empty.pixels(colour) + 20);
    }
  });

  test("include live video, published only with the generated key, and played", async () => {
    const page = `http://${address}:8090`;
    const { keys } = JSON.parse(await box.ask("cat /var/lib/community-box/secrets/streaming.json")) as {
      keys: { live: string };
    };
    const asker = await videoClient(lab, "asker");
    const channel = `rtmp://${address}:1935/publish/live`;
    const [ffmpeg = "", ...words] = testPicture(channel, 3);
    expect((await asker.run(ffmpeg, words)).stderr).toContain("Input/output error");
    const playlist = async () =>
      (await asks("curl", "--silent", "--max-time", "60", `${page}/hls/live/index.m3u8`)).stdout;
    expect(await playlist()).not.toContain("#EXTM3U");
    const camera = asker.start(testPicture(`${channel}?key=${keys.live}`));
    try {
      await expect.poll(playlist, { timeout: BOOT_MS, interval: 1000 }).toMatch(/\.ts$/m);
      // The oldest may be gone before it is asked for.
      const segment = (await playlist()).match(/^.*\.ts$/gm)?.at(-1);
      const { codecs, streams } = await probe(asker, `${page}/hls/live/${segment}`);
      expect(codecs, segment).toEqual(["aac", "h264"]);
      expect(streams.find(({ codec_name: name }) => name === "h264")).toMatchObject(SIZE);
    } finally {
      camera.kill("SIGKILL");
    }
  });

  test("include the metrics of the box", async () => {
    const metrics = ["curl", "--silent", "--max-time", "60", `http://${address}:9100/metrics`];
    expect((await asks(...metrics)).stdout).toMatch(/^node_load1 [\d.]+$/m);
  });
});

test("Docker works inside the community's context", async () => {
  const ask = "incus exec community --project community -- docker info --format '{{.Driver}}'";
  expect(await box.ask(ask, { timeoutMs: BOOT_MS })).toBe("overlay2");
});

describe("the whole catalogue on a box with 2 GiB", () => {
  test("leaves free memory, and the owner's context answers", async () => {
    const free = Number(await box.ask("awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo"));
    expect(free).toBeGreaterThan(200);
    const started = performance.now();
    await box.ask("incus exec owner --project owner -- true", { timeoutMs: BOOT_MS });
    const seconds = (performance.now() - started) / 1000;
    console.log(`${free} MiB free; the owner's context answers in ${seconds.toFixed(1)} s`);
    expect(seconds).toBeLessThan(30);
  });

  test("can be disabled service by service: each is gone from the network, and its data is kept", async () => {
    const closed = {
      ...{ mosquitto: [1883], etcd: [2379], webdav: [8008], "tahoe-lafs": [3457, 3458] },
      ...{ "guifi-proxy": [3128], "guifi-graphs": [80], streaming: [8090, 1935] },
    };
    for (const id of Object.keys(closed))
      await box.ask(`cbox services disable ${id}`, { timeoutMs: BOOT_MS });
    for (const [id, ports] of Object.entries(closed))
      for (const port of ports) expect(await isOpen(port), `${id} on port ${port}`).toBe(false);
    const kept = "find /var/lib/cbox-webdav/files/a.txt /var/lib/mosquitto /var/lib/etcd -maxdepth 0";
    expect((await say(box, "owner", kept)).split("\n")).toHaveLength(3);
    expect(await say(box, "owner", "ls /var/lib/cbox-streaming")).toMatch(/^live-\d{8}-\d{6}\.flv$/);
    const figures = `/var/lib/cbox-graphs/rrd/box/ping/ping-${ASKER.address}.rrd`;
    const known = `rrdtool fetch ${figures} AVERAGE --start=-7200 | grep -cE '^[0-9]+: [0-9]'`;
    expect(Number(await box.ask(known))).toBeGreaterThan(0);
    const gone = ["proxy3", "snpservice", "streaming"];
    await memberWhere(
      lab,
      ({ services }) => services.length > 0 && !services.some(({ s }) => gone.includes(s)),
    );
  });
});
