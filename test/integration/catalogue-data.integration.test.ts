// SPDX-License-Identifier: GPL-3.0-or-later
// Services of the catalogue that keep what people and programs put into them: messages, a key-value store, shared files.
// Each is installed by the engine from the image's own packages, run as its unit says, and used across the lab.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { removeData } from "../../firstboot/services/engine.ts";
import { failureOf } from "../failure-of.ts";
import type { ChrootBox } from "./chroot-box.ts";
import { BOX, image, NEIGHBOUR, passwordsOf, type ServiceLab, serviceLab } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";

let community: ServiceLab;
let box: ChrootBox;
let neighbour: ChrootBox;

beforeAll(async () => {
  community = await serviceLab({ name: "catdata", boxes: ["box", "neighbour"], shared: ["etcd"] });
  box = community.boxOf("box");
  neighbour = community.boxOf("neighbour");
});
afterAll(() => community?.down());

describe("the MQTT broker", () => {
  const subscribe = (topic: string, ...account: string[]) =>
    community.client("mosquitto_sub", "-h", BOX, "-t", topic, "-C", "1", "-W", "3", ...account);
  const publish = (topic: string, text: string, ...account: string[]) =>
    community.client("mosquitto_pub", "-h", BOX, "-q", "1", "-r", "-t", topic, "-m", text, ...account);
  const passwords = () => passwordsOf(box, "mosquitto");
  const account = async (name: string) => ["-u", name, "-P", (await passwords())[name] ?? "x"];

  test("passes messages between accounts, each with its generated password", async () => {
    await community.switchOn("box", "mosquitto", { users: "anna sensors" });
    await expectSandboxed(box, "mosquitto.service");
    expect(await publish("home/door", "open", ...(await account("sensors")))).toMatchObject({ code: 0 });
    expect((await subscribe("home/door", ...(await account("anna")))).stdout).toBe("open\n");
  });

  test.each([
    ["nobody", []],
    ["a wrong password", ["-u", "anna", "-P", "wrong"]],
    ["an unknown name", ["-u", "pere", "-P", "x"]],
  ])("refuses %s", async (_who, words) => {
    const { code, stderr } = await publish("home/door", "shut", ...words);
    expect(code).not.toBe(0);
    expect(stderr).toContain("not authorised");
  });

  test("stores a password in one file only", async () => {
    const { anna = "" } = await passwords();
    expect(anna).toMatch(/^[0-9a-f]{20}$/);
    const { stdout } = await box.run("grep", ["-rlF", anna, "/etc", "/var/lib"]);
    expect(stdout).toBe("/var/lib/community-box/secrets/mosquitto.json\n");
  });

  test("allows anonymous users to use only public topics when the owner enables them", async () => {
    await community.switchOn("box", "mosquitto", { users: "anna", anonymous: true });
    expect(await publish("public/weather", "rain")).toMatchObject({ code: 0 });
    expect((await subscribe("public/weather")).stdout).toBe("rain\n");
    expect((await subscribe("home/door")).stdout).toBe("");
    expect((await subscribe("home/door", ...(await account("anna")))).stdout).toBe("open\n");
    expect((await publish("x", "y", "-u", "sensors", "-P", "x")).code, "an account that is gone").not.toBe(0);
  });

  test("closes its port and keeps its data when disabled, until that is removed", async () => {
    await community.switchOff("box", "mosquitto");
    expect(await community.isOpen(1883)).toBe(false);
    expect(await box.list("/var/lib/mosquitto")).toContain("mosquitto.db");
    expect(await removeData({ box, image }, findService("mosquitto")!)).toContain("host: /var/lib/mosquitto");
    expect(await box.exists("/var/lib/mosquitto")).toBe(false);
    expect(await passwords()).toBeUndefined();
  });
});

describe("the key-value store", () => {
  const etcdctl = (at: ChrootBox, address: string, ...words: string[]) =>
    at.run("etcdctl", [`--endpoints=http://${address}:2379`, "--command-timeout=120s", ...words]);

  test("serves only the box when it runs alone", async () => {
    await community.switchOn("box", "etcd");
    await expectSandboxed(box, "etcd.service");
    expect((await etcdctl(box, "127.0.0.1", "put", "greeting", "bon dia")).stdout).toBe("OK\n");
    expect(await community.isOpen(2379)).toBe(false);
  });

  test("forms one cluster of two when it is opened and another box joins", async () => {
    await community.switchOn("box", "etcd", { cluster: "first" });
    expect(await community.isOpen(2379)).toBe(true);
    expect((await box.run("/usr/local/sbin/cbox-etcd-member", ["settle"])).stderr).toBe("");
    expect((await etcdctl(box, BOX, "put", "greeting", "bon dia")).stdout).toBe("OK\n");
    const join = () =>
      community.switchOn("neighbour", "etcd", { cluster: "join", endpoints: `http://${BOX}:2379` });
    // A third one was let in as a learner and never came.
    await etcdctl(box, BOX, "member", "add", "ghost", "--learner", "--peer-urls=http://10.139.40.99:2380");
    const failure = await failureOf(join);
    expect(failure.code).toBe("command-failed");
    const [, letGo = ""] =
      /http:\/\/10\.139\.40\.99:2380, which has never come\..* let it go: etcdctl (.*)/.exec(
        failure.found ?? "",
      ) ?? [];
    // etcd prints the number of a member without zeros in front.
    expect(letGo).toMatch(new RegExp(`^--endpoints=http://${BOX}:2379 member remove [0-9a-f]{1,16}$`));
    expect((await neighbour.run("etcdctl", letGo.split(" "))).code).toBe(0);
    await join();
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

describe("the file share", () => {
  const share = async (path: string, ...words: string[]) =>
    (
      await community.client(
        ...["curl", "--silent", "--max-time", "20", "--write-out", " %{http_code}", "--digest"],
        ...[...words, `http://${BOX}:8008${path}`],
      )
    ).stdout;
  const anna = async () => ["--user", `anna:${(await passwordsOf(box, "webdav")).anna}`];

  test("lets one account read what another stores, with folders, moves and locks as file managers use them", async () => {
    await community.switchOn("box", "webdav", { users: "anna pere" });
    await expectSandboxed(box, "cbox-webdav.service");
    const pere = ["--user", `pere:${(await passwordsOf(box, "webdav")).pere}`];
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
  ])("refuses reading and writing to %s", async (_who, words) => {
    expect(await share("/photos/a.txt", ...words)).toMatch(/ 401$/);
    expect(await share("/b.txt", ...words, "--request", "PUT", "--data", "x")).toMatch(/ 401$/);
  });

  test("never sends a password over the network, and stores it in one place of the box", async () => {
    const { stdout, stderr } = await community.client(
      "curl",
      "--silent",
      "--verbose",
      "--digest",
      ...(await anna()),
      `http://${BOX}:8008/`,
    );
    const { anna: password = "" } = await passwordsOf(box, "webdav");
    expect(stderr).toContain("Authorization: Digest");
    expect(stdout + stderr).not.toContain(password);
    const found = await box.run("grep", ["-rlF", password, "/etc", "/var/lib"]);
    expect(found.stdout).toBe("/var/lib/community-box/secrets/webdav.json\n");
  });

  test("closes when disabled, and keeps its files", async () => {
    await community.switchOff("box", "webdav");
    expect(await community.isOpen(8008)).toBe(false);
    expect(await box.readFile("/var/lib/cbox-webdav/files/photos/a.txt")).toBe("snow");
  });
});
