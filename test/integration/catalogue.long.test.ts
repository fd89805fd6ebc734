// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue's further services, each installed by the engine from the image's own packages, run as its unit says, and
// used by a real client across the lab.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refreshDomains } from "../../firstboot/dns/refresh.ts";
import type { ImageInfo } from "../../firstboot/image-info.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import { findService } from "../../firstboot/services/catalogue.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate, deactivate, portsOf, removeData } from "../../firstboot/services/engine.ts";
import { readSecrets } from "../../firstboot/services/secrets.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { labRoot } from "../../image/debian/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { failureOf } from "../failure-of.ts";
import { SITE_HOST } from "../lab/guifi-site/reader.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { putRequestProgram, requestThrough } from "../lab/step-box.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { serviceRoot } from "./service-root.ts";
import { expectSandboxed, requiredBy, startUnit } from "./units.ts";

const NAME = "cattest";
const BOX = "10.139.40.60";
const NEIGHBOUR = "10.139.40.61";
/** An address that is not the community's. */
const STRANGER = "192.0.2.81";
const community = loadCommunity("guifi");
const image = {
  version: "test",
  profile: { id: "vm-amd64", title: "test", architecture: "amd64", release: "trixie" },
  boot_mount: "/boot/efi",
  community,
} as unknown as ImageInfo;

let lab: Lab;
let box: ChrootBox;
let neighbour: ChrootBox;
const roots: string[] = [];
const running: { readonly at: ChrootBox; readonly unit: string; readonly child: ChildProcess }[] = [];

beforeAll(async () => {
  await labDown(NAME);
  const hosts = [
    dns("dns", "10.139.40.1"),
    guifiSite(SITE_HOST, "10.139.40.31"),
    { name: "box", address: BOX },
    { name: "neighbour", address: NEIGHBOUR },
    { name: "client", address: "10.139.40.80" },
    { name: "stranger", address: "10.139.40.81" },
  ];
  lab = await labUp({ name: NAME, root: await labRoot(), community, hosts });
  await lab.run("stranger", ["ip", "address", "add", `${STRANGER}/24`, "dev", "eth0"]);
  await lab.run("box", ["ip", "address", "add", "192.0.2.60/24", "dev", "eth0"]);
  box = await boxAt("box", "can-bruixa");
  neighbour = await boxAt("neighbour", "can-pau");
});

afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await labDown(NAME);
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

async function boxAt(host: string, hostname: string): Promise<ChrootBox> {
  const root = await serviceRoot(`catalogue-test-${host}`);
  roots.push(root);
  await putRequestProgram(lab.place(host).directory);
  const named =
    'echo nameserver 10.139.40.1 >/tmp/r && busybox mount -o bind /tmp/r /etc/resolv.conf && exec "$@"';
  const request = requestThrough((...command) => lab.run(host, ["sh", "-euc", named, "box", ...command]));
  const programs = { cbox: () => refreshDomains(made, image) };
  const made: ChrootBox = { ...chrootBox(root, lab.place(host).namespace, programs), request };
  await made.writeFile("/etc/hostname", `${hostname}\n`);
  await made.writeFile("/etc/community-box/ca.pem", lab.authority());
  return made;
}

const find = (id: string) => findService(id)!;

/** As `cbox services enable` does it; then its units run, of which systemctl was only told. */
async function switchOn(at: ChrootBox, id: string, inputs = {}): Promise<void> {
  const service = find(id);
  await activate({ box: at, image }, service, {
    where: "host",
    inputs: { ...defaultInputs(service), ...inputs },
  });
  for (const unit of service.units.filter((each) => each.endsWith(".service"))) {
    for (const each of [...(await requiredBy(at, unit)), unit]) {
      await endUnit(at, each);
      running.push({ at, unit: each, child: await startUnit(at, each) });
    }
  }
  const { inputs: chosen } = (await readStates(at))[id]!;
  const wanted = portsOf(service, { community: image.community, inputs: chosen }).map(
    ({ port, protocol }) => `${protocol}/${port}`,
  );
  const open = await until(
    () => listening(at),
    (there) => wanted.every((port) => there.has(port)),
  );
  expect([...open], `${id} listens`).toEqual(expect.arrayContaining(wanted));
}

async function switchOff(at: ChrootBox, id: string): Promise<void> {
  await deactivate({ box: at, image }, find(id));
  for (const unit of find(id).units) {
    expect(at.told).toContain(`disable --now ${unit}`);
    for (const each of [unit, ...(await requiredBy(at, unit))]) await endUnit(at, each);
  }
}

async function endUnit(at: ChrootBox, unit: string): Promise<void> {
  const index = running.findIndex((each) => each.at === at && each.unit === unit);
  const [old] = index < 0 ? [] : running.splice(index, 1);
  if (!old || old.child.exitCode !== null) return;
  const ended = once(old.child, "exit");
  // As systemd ends it: the program itself, which is a child of what holds its namespaces.
  for (const pid of leavesOf(old.child.pid ?? 0)) process.kill(pid, "SIGTERM");
  await Promise.race([ended, delay(20_000)]);
  old.child.kill("SIGKILL");
  await ended;
}

function leavesOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const children = existsSync(path) ? readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number) : [];
  return children.length ? children.flatMap(leavesOf) : [pid];
}

async function listening(at: ChrootBox): Promise<ReadonlySet<string>> {
  const { stdout } = await at.run("ss", ["-Hlntu"]);
  const lines = stdout.split("\n").filter(Boolean);
  return new Set(lines.map((line) => `${line.split(/\s+/)[0]}/${/:(\d+)\s/.exec(line)?.[1]}`));
}

async function until<T>(look: () => Promise<T>, isIt: (value: T) => boolean, seconds = 60): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await look();
    if (isIt(value) || tries >= seconds * 4) return value;
    await delay(250);
  }
}

const passwordsOf = async (id: string) =>
  (await readSecrets(box, find(id))).passwords as { readonly [name: string]: string };
const client = (...command: string[]) => lab.run("client", command);
const isOpen = (port: number, address = BOX) =>
  client("sh", "-c", `busybox nc -w 1 ${address} ${port} </dev/null`).then(({ code }) => code === 0);

describe("messages by MQTT", () => {
  const subscribe = (topic: string, ...account: string[]) =>
    client("mosquitto_sub", "-h", BOX, "-t", topic, "-C", "1", "-W", "3", ...account);
  const publish = (topic: string, text: string, ...account: string[]) =>
    client("mosquitto_pub", "-h", BOX, "-q", "1", "-r", "-t", topic, "-m", text, ...account);
  const account = async (name: string) => ["-u", name, "-P", (await passwordsOf("mosquitto"))[name] ?? "x"];

  test("go from one account to another, each with the password that the box made", async () => {
    await switchOn(box, "mosquitto", { users: "anna sensors" });
    await expectSandboxed(box, "mosquitto.service");
    expect(await publish("home/door", "open", ...(await account("sensors")))).toMatchObject({ code: 0 });
    expect((await subscribe("home/door", ...(await account("anna")))).stdout).toBe("open\n");
  });

  test.each([
    ["nobody", []],
    ["a wrong password", ["-u", "anna", "-P", "wrong"]],
    ["an unknown name", ["-u", "pere", "-P", "x"]],
  ])("%s is refused", async (_who, words) => {
    const { code, stderr } = await publish("home/door", "shut", ...words);
    expect(code).not.toBe(0);
    expect(stderr).toContain("not authorised");
  });

  test("no password lies about on the box, nor in a command line", async () => {
    const { anna = "" } = await passwordsOf("mosquitto");
    expect(anna).toMatch(/^[0-9a-f]{20}$/);
    const { stdout } = await box.run("grep", ["-rlF", anna, "/etc", "/var/lib"]);
    expect(stdout).toBe("/var/lib/community-box/secrets/mosquitto.json\n");
  });

  test("the owner lets everybody in: only to public topics", async () => {
    await switchOn(box, "mosquitto", { users: "anna", anonymous: true });
    expect(await publish("public/weather", "rain")).toMatchObject({ code: 0 });
    expect((await subscribe("public/weather")).stdout).toBe("rain\n");
    expect((await subscribe("home/door")).stdout).toBe("");
    expect((await subscribe("home/door", ...(await account("anna")))).stdout).toBe("open\n");
    expect((await publish("x", "y", "-u", "sensors", "-P", "x")).code, "an account that is gone").not.toBe(0);
  });

  test("off: the port is closed, what was kept is still there, and goes when it is removed", async () => {
    await switchOff(box, "mosquitto");
    expect(await isOpen(1883)).toBe(false);
    expect(await box.list("/var/lib/mosquitto")).toContain("mosquitto.db");
    expect(await removeData({ box, image }, find("mosquitto"))).toContain("host: /var/lib/mosquitto");
    expect(await box.exists("/var/lib/mosquitto")).toBe(false);
    expect(await passwordsOf("mosquitto")).toBeUndefined();
  });
});

describe("a key-value store", () => {
  const etcdctl = (at: ChrootBox, address: string, ...words: string[]) =>
    at.run("etcdctl", [`--endpoints=http://${address}:2379`, "--command-timeout=20s", ...words]);

  test("alone: for the box only", async () => {
    await switchOn(box, "etcd");
    await expectSandboxed(box, "etcd.service");
    expect((await etcdctl(box, "127.0.0.1", "put", "greeting", "bon dia")).stdout).toBe("OK\n");
    expect(await isOpen(2379)).toBe(false);
  });

  test("opened and joined by another box: one cluster of two", async () => {
    await switchOn(box, "etcd", { cluster: "first" });
    expect(await isOpen(2379)).toBe(true);
    expect((await box.run("/usr/local/sbin/cbox-etcd-member", ["settle"])).stderr).toBe("");
    expect((await etcdctl(box, BOX, "put", "greeting", "bon dia")).stdout).toBe("OK\n");
    await switchOn(neighbour, "etcd", { cluster: "join", endpoints: `http://${BOX}:2379` });
    expect((await neighbour.run("/usr/local/sbin/cbox-etcd-member", ["settle"])).stderr).toBe("");
    expect((await etcdctl(neighbour, NEIGHBOUR, "get", "greeting", "--print-value-only")).stdout).toBe(
      "bon dia\n",
    );
    expect((await etcdctl(neighbour, NEIGHBOUR, "put", "answer", "bona nit")).stdout).toBe("OK\n");
    expect((await etcdctl(box, BOX, "get", "answer", "--print-value-only")).stdout).toBe("bona nit\n");
    const { stdout } = await etcdctl(box, BOX, "member", "list");
    expect(stdout.match(/started, can-(bruixa|pau)-[0-9a-f]{8}, .*false/g)).toHaveLength(2);
  });
});

describe("shared files", () => {
  const share = async (path: string, ...words: string[]) =>
    (
      await client(
        ...["curl", "--silent", "--max-time", "20", "--write-out", " %{http_code}", "--digest"],
        ...[...words, `http://${BOX}:8008${path}`],
      )
    ).stdout;
  const anna = async () => ["--user", `anna:${(await passwordsOf("webdav")).anna}`];

  test("what one puts there another reads; folders, moves and locks as file managers want them", async () => {
    await switchOn(box, "webdav", { users: "anna pere" });
    await expectSandboxed(box, "cbox-webdav.service");
    const pere = ["--user", `pere:${(await passwordsOf("webdav")).pere}`];
    expect(await share("/photos/", ...(await anna()), "--request", "MKCOL")).toMatch(/ 201$/);
    expect(await share("/photos/a.txt", ...(await anna()), "--request", "PUT", "--data", "snow")).toMatch(
      / 201$/,
    );
    expect(await share("/photos/a.txt", ...pere)).toBe("snow 200");
    const listed = await share("/photos/", ...pere, "--request", "PROPFIND", "--header", "Depth: 1");
    expect(listed).toMatch(/a\.txt[\s\S]* 207$/);
    const lock = `<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`;
    expect(await share("/photos/a.txt", ...(await anna()), "--request", "LOCK", "--data", lock)).toMatch(
      / 200$/,
    );
    expect(await share("/photos/a.txt", ...pere, "--request", "PUT", "--data", "x")).toMatch(/ 423$/);
    expect(await share("/photos/a.txt", ...pere)).toBe("snow 200");
  });

  test.each([
    ["nobody", []],
    ["a wrong password", ["--user", "anna:wrong"]],
    ["an unknown name", ["--user", "quim:x"]],
  ])("%s neither reads nor writes", async (_who, words) => {
    expect(await share("/photos/a.txt", ...words)).toMatch(/ 401$/);
    expect(await share("/b.txt", ...words, "--request", "PUT", "--data", "x")).toMatch(/ 401$/);
  });

  test("a password never crosses the network, and is in one place of the box", async () => {
    const { stdout, stderr } = await client(
      "curl",
      "--silent",
      "--verbose",
      "--digest",
      ...(await anna()),
      `http://${BOX}:8008/`,
    );
    const { anna: password = "" } = await passwordsOf("webdav");
    expect(stderr).toContain("Authorization: Digest");
    expect(stdout + stderr).not.toContain(password);
    const found = await box.run("grep", ["-rlF", password, "/etc", "/var/lib"]);
    expect(found.stdout).toBe("/var/lib/community-box/secrets/webdav.json\n");
  });

  test("off: closed, and the files are still there", async () => {
    await switchOff(box, "webdav");
    expect(await isOpen(8008)).toBe(false);
    expect(await box.readFile("/var/lib/cbox-webdav/files/photos/a.txt")).toBe("snow");
  });
});

describe("the health of the box", () => {
  const metrics = (address: string) =>
    client("curl", "--silent", "--max-time", "30", `http://${address}:9100/metrics`);

  test("is read on the box alone", async () => {
    await switchOn(box, "monitoring");
    await expectSandboxed(box, "prometheus-node-exporter.service");
    const { stdout } = await lab.run("box", ["curl", "--silent", "http://127.0.0.1:9100/metrics"]);
    expect(stdout).toMatch(/^node_memory_MemTotal_bytes \d/m);
    expect(await isOpen(9100)).toBe(false);
  });

  test("and by the community where the owner wants that", async () => {
    await switchOn(box, "monitoring", { zone: true });
    expect((await metrics(BOX)).stdout).toMatch(/^node_load1 [\d.]+$/m);
  });
});

describe("a storage grid", () => {
  const gateway = "http://127.0.0.1:3456/uri";
  /** On the box itself, since the gateway answers nobody else. */
  const curl = async (at: "box" | "neighbour", ...words: string[]) =>
    (await lab.run(at, ["curl", "--silent", "--max-time", "60", ...words])).stdout;
  const get = (at: "box" | "neighbour", cap: string) => curl(at, `${gateway}/${cap}`);
  /** Longer than what Tahoe keeps in the key itself. */
  const letter = "Benvolguts veins, ".repeat(100);
  let cap: string;

  test("begins on one box, which announces its whole address", async () => {
    await switchOn(box, "tahoe-lafs", { name: "Can-Bruixa" });
    await expectSandboxed(box, "cbox-tahoe.service");
    await expectSandboxed(box, "cbox-tahoe-introducer.service");
    const { ready } = await announcements(box, image, BOX);
    const entry = ready.find(({ s }) => s === "tahoe-lafs");
    expect(entry).toMatchObject({ d: "Can-Bruixa", p: "3458" });
    const { stdout } = await box.run("cat", ["/var/lib/cbox-tahoe/introducer/private/introducer.furl"]);
    expect(entry?.t).toBe(`furl=${stdout.trim()}`);
    expect(stdout).toMatch(/^pb:\/\/[a-z2-7]{32}@tcp:10\.139\.40\.60:3458\//);
  });

  test("another box joins by that address, and what one puts in the other takes out", async () => {
    const { ready } = await announcements(box, image, BOX);
    const furl = ready.find(({ s }) => s === "tahoe-lafs")?.t.replace("furl=", "");
    await switchOn(neighbour, "tahoe-lafs", { grid: "join", furl, copies: 2 });
    const seen = async () => {
      // "connected" where they talk by HTTP, as Tahoe does since 1.19; "Connected to ..." by Foolscap.
      const page = await curl("neighbour", "http://127.0.0.1:3456/?t=json");
      const { servers = [] } = (page ? JSON.parse(page) : {}) as {
        servers?: { connection_status: string }[];
      };
      return servers.filter(({ connection_status: status }) => /^connected/i.test(status)).length;
    };
    expect(await until(seen, (count) => count === 2), "boxes of the grid").toBe(2);
    cap = await curl("neighbour", "--request", "PUT", "--data-binary", letter, gateway);
    expect(cap).toMatch(/^URI:CHK:.*:1:2:1800$/);
    expect(await get("box", cap)).toBe(letter);
  });

  test("a copy is left when the box where it was put in is gone", async () => {
    await switchOff(neighbour, "tahoe-lafs");
    expect(await get("box", cap)).toBe(letter);
  });

  test("a client of another grid cannot read it, and the gateway is the box's own", async () => {
    expect(await isOpen(3456)).toBe(false);
    expect(await get("box", cap.replace(/CHK:[a-z2-7]{4}/, "CHK:aaaa"))).not.toContain("Benvolguts");
  });

  test("off: what is stored stays", async () => {
    await switchOff(box, "tahoe-lafs");
    expect(await isOpen(3457)).toBe(false);
    expect(await box.list("/var/lib/cbox-tahoe/node/storage/shares")).not.toEqual([]);
  });
});

describe("the community's names", () => {
  const dig = async (from: string, name: string, ...words: string[]) =>
    (await lab.run(from, ["dig", "+short", "+tries=2", "+time=3", ...words, `@${BOX}`, name])).stdout.trim();

  test("come from the list of the community's site, and differ by who asks", async () => {
    await switchOn(box, "guifi-dns", { server: 54_621 });
    await expectSandboxed(box, "named.service");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
    expect(await dig("client", "andoain.guifi.local", "SOA")).toMatch(
      /^ns1\.andoain\.guifi\.local\. andoain\.example\.net\. \d+ /,
    );
    expect(await dig("client", "www.andoain.example.net")).toBe("10.69.12.18");
    const outside = ["-b", STRANGER];
    expect(await dig("stranger", "ns1.andoain.example.net", ...outside)).toBe("192.0.2.18");
    expect(await dig("stranger", "ns1.andoain.guifi.local", ...outside), "the inner names stay inside").toBe(
      "",
    );
  });

  test("the owner's own zones are kept, and work beside them", async () => {
    const zone = "$TTL 60\n@ IN SOA ns root 1 60 60 60 60\n@ IN NS ns\nns IN A 10.139.40.60\n";
    await box.writeFile("/etc/bind/db.mine", zone);
    await box.writeFile(
      "/etc/bind/named.conf.int.private",
      'zone "mine.guifi.local" { type primary; file "/etc/bind/db.mine"; };\n',
    );
    await switchOn(box, "guifi-dns", { server: 54_621 });
    expect(await dig("client", "ns.mine.guifi.local")).toBe("10.139.40.60");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
  });

  test("a list that cannot be fetched leaves the last one; additions with a mistake are refused by name", async () => {
    await lab.change(SITE_HOST, "test", { isDown: true });
    expect(await refreshDomains(box, image)).toBe("kept");
    await lab.change(SITE_HOST, "test", undefined);
    expect(await refreshDomains(box, image)).toBe("unchanged");
    expect(await dig("client", "ns1.andoain.guifi.local")).toBe("10.69.12.18");
    await box.writeFile("/etc/bind/named.conf.int.private", 'zone "mine.guifi.local" {\n');
    await box.writeFile("/var/lib/bind/community-box/current/source", "of before");
    const failure = await failureOf(() => refreshDomains(box, image));
    expect(failure.code).toBe("dns-refused");
    expect(failure.found).toBe("/etc/bind/named.conf.int.private: '}' expected near end of file");
  });
});
