// SPDX-License-Identifier: GPL-3.0-or-later
// The step "vpn" on a box in memory, with the lab's own rendezvous to ask: what it sends, what it refuses, what a power
// cut leaves behind.

import { describe, expect, test } from "vitest";
import { fail } from "../../../../../common/fail.ts";
import { communityAddress } from "../../../../../firstboot/discovery/serf.ts";
import type { HttpResponse } from "../../../../../firstboot/host/box.ts";
import { paths } from "../../../../../firstboot/host/paths.ts";
import { writeMarker } from "../../../../../firstboot/setup/marker.ts";
import { check, missing } from "../../../../../firstboot/steps/vpn/check.ts";
import { vpn } from "../../../../../firstboot/steps/vpn/index.ts";
import type { VpnAnswers } from "../../../../../firstboot/steps/vpn/questions.ts";
import { formOf } from "../../../../../firstboot/vpn/rendezvous.ts";
import { targetsOf } from "../../../../../firstboot/vpn/tunnel.ts";
import { failureOf } from "../../../../failure-of.ts";
import { FakeBox, IMAGE, PowerCut, rsaKey } from "../../../helpers/fake-box.ts";
import {
  apply,
  boxWith,
  GETINCONF,
  hostsOf,
  image,
  JOIN,
  JSON_FORM,
  neighbour,
  rendezvous,
  type Server,
  tincFilesOf,
  toolsOf,
  verify,
} from "../../../helpers/vpn.ts";

describe("the questions about the VPN", () => {
  const facts = { defaults: {}, interfaces: ["lo", "enp1s0", "incusbr0"] };
  const codes = (answers: Parameters<typeof check>[0]) =>
    check(answers, facts).map(({ field, code }) => `${field} ${code}`);

  test("suggest the community's settings, and not to join without a rendezvous", async () => {
    const suggested = async (change: object) => {
      const community = { ...IMAGE.community, vpn: { ...IMAGE.community.vpn, ...change } };
      return (await vpn.probe(new FakeBox(), { ...IMAGE, community }, {})).defaults;
    };
    expect(await suggested({ enabled_by_default: true })).toEqual({
      join: true,
      network: "guifi",
      rendezvous: ["https://vpn.guifi.net/"],
    });
    expect(await suggested({ enabled_by_default: false })).toMatchObject({ join: false });
    const none = await suggested({ enabled_by_default: true, rendezvous: [] });
    expect(none).toEqual({ join: false, network: "guifi" });
    const two = [{ url: GETINCONF, form: "getinconf" }, JSON_FORM];
    expect(await suggested({ rendezvous: two })).toMatchObject({ rendezvous: [GETINCONF, JSON_FORM] });
  });

  test.each([
    ["guifi", []],
    ["a_2", []],
    ["", ["vpn.network vpn-network-syntax"]],
    ["a-b", ["vpn.network vpn-network-syntax"]],
    ["../x", ["vpn.network vpn-network-syntax"]],
    ["x".repeat(16), ["vpn.network vpn-network-syntax"]],
    ["incusbr0", ["vpn.network vpn-network-taken"]],
    ["eth7", ["vpn.network vpn-network-taken"]],
    ["lo", ["vpn.network vpn-network-taken"]],
  ])("find these problems of the network %j: %j", (network, problems) => {
    expect(codes({ network })).toEqual(problems);
  });

  test.each([
    ["https://vpn.example.net", true],
    [GETINCONF, true],
    ["vpn.example.net", false],
    ["ftp://vpn.example.net", false],
    ["https://anna:sesame@vpn.example.net", false],
    ["https://vpn.example.net/?a=b", false],
    ["https://", false],
  ])("check the rendezvous %s: valid is %s", (url, isRight) => {
    const problems = check({ rendezvous: [url] }, facts);
    expect(problems.map(({ code }) => code)).toEqual(isRight ? [] : ["vpn-rendezvous-syntax"]);
    expect(JSON.stringify(problems)).not.toContain("sesame");
  });

  test("refuse a key with blanks without repeating it", () => {
    const problems = check({ key: "my secret word" }, facts);
    expect(problems).toMatchObject([{ field: "vpn.key", code: "vpn-key-syntax" }]);
    expect(JSON.stringify(problems)).not.toContain("secret word");
  });

  test("need a rendezvous or a bundle to join", () => {
    const code = (answers: VpnAnswers) => missing(answers).map((each) => each.code);
    expect(code({ join: true, rendezvous: [] })).toEqual(["vpn-rendezvous-missing"]);
    expect(code({ join: true, rendezvous: [JSON_FORM] })).toEqual([]);
    expect(code({ join: false })).toEqual([]);
    expect(code({ join: true, bundle: { name: "a", address: "10.228.0.7/24", hosts: [] } })).toEqual([]);
  });

  test("check a bundle field by field", () => {
    const host = { name: "gateway", key: rsaKey(1).publicKey };
    const bundle = { name: "can_bruixa", address: "10.228.0.7/24", hosts: [host] };
    expect(codes({ join: true, bundle })).toEqual([]);
    expect(codes({ join: false, bundle })).toEqual(["vpn.bundle vpn-bundle-needs-join"]);
    expect(codes({ join: true, bundle: { ...bundle, name: "a-b" } })).toEqual([
      "vpn.bundle.name vpn-bundle-name",
    ]);
    expect(codes({ join: true, bundle: { ...bundle, address: "10.228.0.7" } })).toEqual([
      "vpn.bundle.address vpn-bundle-address",
    ]);
    const wrong = [
      { ...host, key: "none" },
      host,
      { ...host, name: "b", address: "10.228.0.9" },
      { ...host, name: "c", subnets: ["10.0.0.0/8"] },
      host,
    ];
    expect(codes({ join: true, bundle: { ...bundle, hosts: wrong } })).toEqual([
      "vpn.bundle.hosts[0].key vpn-bundle-key",
      "vpn.bundle.hosts[2].address vpn-bundle-public-address",
      "vpn.bundle.hosts[3].subnets vpn-bundle-subnet",
      "vpn.bundle.hosts[4].name duplicate",
    ]);
  });
});

describe("joining by getinconf", () => {
  test("sends what older boxes sent, and writes the files that tinc needs", async () => {
    const server = rendezvous();
    const box = boxWith(server);
    await apply(box);
    // md5 of the MAC address in upper case, the key and the network, one after the other.
    const hash = "8cd3c0721b98d660a9416df166ed8b36";
    expect(server.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${GETINCONF}/pages/ip`,
      `POST ${GETINCONF}/nodes/get2/${hash}/guifi/52-54-00-12-34-56/can-bruixa/10.1.2.50/655/1`,
    ]);
    expect(server.nodes()).toMatchObject([
      {
        name: "can_bruixa",
        mac: "52:54:00:12:34:56",
        address: "10.1.2.50",
        port: 655,
        publicKey: rsaKey(0).publicKey.trim(),
      },
    ]);
    expect(tincFilesOf(box)).toEqual([
      "/etc/tinc/guifi/hosts/can_bruixa",
      "/etc/tinc/guifi/hosts/gateway",
      "/etc/tinc/guifi/rsa_key.priv",
      "/etc/tinc/guifi/tinc-down",
      "/etc/tinc/guifi/tinc-up",
      "/etc/tinc/guifi/tinc.conf",
    ]);
    expect(box.system.enabled).toEqual(
      new Set([
        ...["tinc.service", "tinc@guifi.service", "cbox-vpn.timer", "cbox-vpn-clock.timer"],
        ...["avahi-daemon.service", "avahi-daemon.socket"],
      ]),
    );
    expect(box.files.get(paths.avahi)).toMatch(/host-name=can-bruixa[\s\S]*allow-interfaces=guifi/);
    const sandboxes = { "tinc@guifi.service": "tinc", "avahi-daemon.service": "avahi" } as const;
    for (const [unit, program] of Object.entries(sandboxes))
      expect(await box.readLink(paths.sandboxOf(unit)), unit).toBe(paths.sandbox(program));
    const known = box.system.commands.indexOf("systemctl daemon-reload");
    expect(known).toBeGreaterThan(-1);
    expect(box.system.commands.indexOf("systemctl restart tinc@guifi.service")).toBeGreaterThan(known);
    expect(await verify(box)).toEqual([]);
    expect(JSON.parse(box.files.get(paths.vpnAnswer) ?? "")).toMatchObject({ from: "10.228.0.1" });
  });

  test("sends no address behind NAT, or when the rendezvous reports an invalid one", async () => {
    for (const from of ["192.0.2.7", "<html>", ""]) {
      const server = rendezvous();
      server.from = from;
      await apply(boxWith(server));
      expect(server.asked[1]?.url).toContain("/can-bruixa/0/655/1");
    }
  });

  test("adds a counter to a name that is taken, and keeps the name of the same box, even with a new key", async () => {
    const server = rendezvous();
    const one = boxWith(server);
    const two = boxWith(server);
    two.files.set("/sys/class/net/enp1s0/address", "52:54:00:00:00:02\n");
    await apply(one);
    await apply(two);
    expect(two.files.get("/etc/tinc/guifi/tinc.conf")).toContain("Name = can_bruixa1\n");
    await apply(one);
    expect(one.files.get("/etc/tinc/guifi/tinc.conf")).toContain("Name = can_bruixa\n");
    expect(
      server
        .nodes()
        .map(({ name, number }) => `${name} ${number}`)
        .sort(),
    ).toEqual(["can_bruixa 2", "can_bruixa1 3"]);
  });

  test("keeps the box's identity when another card comes first, and changes it for a new card", async () => {
    const server = rendezvous();
    const box = boxWith(server);
    await apply(box);
    box.plugIn("enp0s1", true);
    box.files.set("/sys/class/net/enp0s1/address", "52:54:00:00:00:09\n");
    await apply(box);
    expect(server.nodes()).toHaveLength(1);
    for (const path of [...box.files.keys()])
      if (path.startsWith("/sys/class/net/enp1s0")) box.files.delete(path);
    await apply(box);
    expect(box.files.get("/etc/tinc/guifi/tinc.conf")).toContain("Name = can_bruixa1\n");
    expect(hostsOf(box)).toEqual(["can_bruixa", "can_bruixa1", "gateway"]);
  });
});

describe("joining by JSON", () => {
  const answers = { ...JOIN, rendezvous: [`${JSON_FORM}/`] };

  test("sends one request, without the key of the network", async () => {
    const server = rendezvous();
    const box = boxWith(server);
    await apply(box, answers);
    expect(server.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([`POST ${JSON_FORM}/v1/join`]);
    const body = Buffer.from(server.asked[0]?.body ?? []).toString();
    expect(JSON.parse(body)).toEqual({
      network: "guifi",
      mac: "52:54:00:12:34:56",
      hostname: "can-bruixa",
      addresses: ["10.1.2.50"],
      port: 655,
      key: rsaKey(0).publicKey,
      proof: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(body).not.toContain("secret-of-ours");
    expect(await verify(box, answers)).toEqual([]);
  });

  test("is derived from the address where the community does not say", () => {
    expect(formOf("https://vpn.example.net/")).toBe("json");
    expect(formOf("https://vpn.example.net/index.php")).toBe("getinconf");
    expect(formOf("http://vpn.example.net/")).toBe("getinconf");
  });
});

describe("the keys of tinc", () => {
  const KEY = "/etc/tinc/guifi/rsa_key.priv";

  test("are kept when they exist", async () => {
    const box = boxWith(rendezvous());
    box.files.set(KEY, rsaKey(2).privateKey);
    await apply(box);
    expect(box.files.get(KEY)).toBe(rsaKey(2).privateKey);
    expect(box.files.get("/etc/tinc/guifi/hosts/can_bruixa")).toContain(rsaKey(2).publicKey.trim());
  });

  test("are made again when the file was truncated", async () => {
    const box = boxWith(rendezvous());
    box.files.set(KEY, rsaKey(2).privateKey.slice(0, 500));
    await apply(box);
    expect(box.files.get(KEY)).toBe(rsaKey(0).privateKey);
  });
});

describe("a failed joining changes nothing and reports", () => {
  const bodies = (text: string): HttpResponse => ({ status: 200, body: Buffer.from(text) });

  async function refused(server: Server | undefined, answers: VpnAnswers = JOIN) {
    const box = boxWith(server);
    const failure = await failureOf(() => apply(box, answers));
    expect(tincFilesOf(box).filter((path) => !path.endsWith("/rsa_key.priv"))).toEqual([]);
    expect(box.files.has(paths.vpn)).toBe(false);
    expect(box.system.commands.filter((line) => /systemctl|mv/.test(line))).toEqual([]);
    return failure;
  }

  test("that nobody answers", async () => {
    expect(await refused(undefined)).toMatchObject({
      code: "rendezvous-silent",
      message: "The rendezvous of the VPN does not answer.",
      found: "10.139.40.84: no answer",
    });
  });

  test("a wrong key and an unknown network", async () => {
    for (const url of [GETINCONF, JSON_FORM]) {
      const answers = { ...JOIN, rendezvous: [url] };
      expect(await refused(rendezvous(), { ...answers, key: "guess" })).toMatchObject({
        code: "rendezvous-refused",
        message: "The rendezvous does not let the box into the VPN.",
        found: expect.stringContaining("wrong key of the network"),
      });
      expect(await refused(rendezvous({ network: "demo" }), answers)).toMatchObject({
        code: "rendezvous-network-unknown",
        message: "The rendezvous does not know this VPN.",
        found: expect.stringMatching(/^guifi at /),
      });
    }
  });

  test.each([
    ["HTTP 500", { status: 500, body: Buffer.from("") }, "HTTP 500"],
    ["HTTP 404 of some web server", { status: 404, body: Buffer.from("<html>") }, "HTTP 404"],
    ["a redirection", { status: 302, body: Buffer.from("") }, "HTTP 302"],
    ["an empty answer", bodies(""), /not a script|not JSON/],
    ["a web page", bodies("<html></html>"), /not a script|not JSON/],
    ["null", bodies("null"), /not a script|not JSON/],
    ["a list", bodies("[]"), /not a script|nothing there/],
  ])("an invalid reply: %s", async (_what, reply, found) => {
    for (const url of [GETINCONF, JSON_FORM]) {
      const server = rendezvous();
      server.reply = reply;
      expect(await refused(server, { ...JOIN, rendezvous: [url] })).toMatchObject({
        code: "rendezvous-reply-invalid",
        message: "The answer of the rendezvous is invalid; nothing of it was used.",
        found: expect.stringMatching(found),
      });
    }
  });

  test("a reply of 10 MB", async () => {
    const server = rendezvous();
    server.request = async () =>
      fail({ code: "reply-too-large", what: "too large", found: "more than 1024 KiB" });
    expect(await refused(server)).toMatchObject({
      code: "rendezvous-reply-invalid",
      found: "10.139.40.84: more than 1024 KiB",
    });
  });

  test("an untrusted certificate with its own code", async () => {
    const server = rendezvous();
    server.request = async () =>
      fail({ code: "server-untrusted", what: "The certificate cannot be trusted." });
    expect(await refused(server)).toMatchObject({ code: "server-untrusted" });
  });

  test("the reply of the one rendezvous that answered, of several", async () => {
    const server = rendezvous();
    const request = server.request.bind(server);
    server.request = async (wanted) => {
      if (wanted.url.includes("nobody"))
        return fail({ code: "server-unreachable", what: "?", found: "ECONNREFUSED" });
      return request(wanted);
    };
    const list = ["https://nobody.example", JSON_FORM, "https://nobody2.example"];
    expect(await refused(server, { ...JOIN, rendezvous: list, key: "guess" })).toMatchObject({
      code: "rendezvous-refused",
    });
  });

  test("a VPN that overlaps with the local network", async () => {
    for (const range of ["10.1.2", "10.1.2"]) {
      expect(await refused(rendezvous({ range }))).toMatchObject({
        code: "vpn-address-conflict",
        message: "The VPN uses addresses that the box's own network has already; nothing was changed.",
        found: "10.1.2.2/24 in the VPN, 10.1.2.50/24 at enp1s0",
      });
    }
    const bundle = { name: "a", address: "10.200.0.1/8", hosts: [] };
    expect(await refused(rendezvous(), { join: true, bundle })).toMatchObject({
      code: "vpn-address-conflict",
    });
  });

  test("that there is no network card", async () => {
    const box = boxWith(rendezvous());
    for (const path of [...box.files.keys()]) if (path.startsWith("/sys/class/net/")) box.files.delete(path);
    expect(await failureOf(() => apply(box))).toMatchObject({
      code: "vpn-no-interface",
      message: "The box has no network card by which the VPN could know it.",
    });
  });

  test("hosts of which none is valid", async () => {
    const server = rendezvous();
    const hosts = [{ name: "../x", key: rsaKey(1).publicKey }];
    server.reply = bodies(JSON.stringify({ name: "can_bruixa", address: "10.228.0.2/24", hosts }));
    expect(await refused(server, { ...JOIN, rendezvous: [JSON_FORM] })).toMatchObject({
      code: "rendezvous-reply-invalid",
      found: "vpn.example.net: hosts[0].name: not a name (letters, digits and underscores)",
    });
  });

  test("joining leaves out and counts invalid hosts", async () => {
    const server = rendezvous();
    const box = boxWith(server);
    const key = rsaKey(1).publicKey;
    server.reply = bodies(
      JSON.stringify({
        name: "can_bruixa",
        address: "10.228.0.2/24",
        hosts: [
          { name: "gateway", key },
          { name: "../x", key },
          { name: "b", key: "?" },
        ],
      }),
    );
    const tools = toolsOf(box);
    await vpn.apply({ ...JOIN, rendezvous: [JSON_FORM] } as never, tools);
    expect(tools.said).toContain("progress.vpn.left-out 2");
    expect(hostsOf(box)).toEqual(["can_bruixa", "gateway"]);
  });
});

describe("verifying the VPN", () => {
  test("waits, then reports that nobody answers", async () => {
    const box = boxWith(rendezvous());
    const answers = { ...JOIN, rendezvous: [JSON_FORM] };
    await apply(box, answers);
    box.system.pingable = false;
    const before = box.now().getTime();
    expect(await failureOf(() => verify(box, answers))).toMatchObject({
      code: "vpn-silent",
      message: "The box is set up for the VPN, but nobody answers through it.",
      found: "no answer within 45 s",
    });
    expect(box.now().getTime() - before).toBe(45_000);
    expect(await vpn.status?.(box, image)).toMatchObject({
      state: "trouble",
      advice: { key: "status.vpn.advice", values: { command: "sudo cbox vpn setup" } },
      data: { answers: false, last_answer: null },
    });
  });

  test("only warns while a gateway that learns of new boxes once an hour is awaited", async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    box.system.pingable = false;
    expect(await verify(box)).toEqual([{ code: "vpn-waiting" }]);
    const since = "2026-01-01T00:00:45.000Z";
    expect(await vpn.status?.(box, image)).toMatchObject({
      state: "waiting",
      advice: { key: "status.vpn.waiting", values: { since: "2026-01-01 00:00 UTC" } },
      data: { answers: false, waiting_since: since },
    });
    // Set up again meanwhile: it waits since then.
    await apply(box);
    await verify(box);
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "waiting" });
    box.powerOn();
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "waiting" });
    box.system.pingable = true;
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "works", data: { waiting_since: null } });
    // Once it has answered, silence is trouble.
    expect(await verify(box)).toEqual([]);
    box.system.pingable = false;
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "trouble" });
  });

  test("reports a tinc that does not run", async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    box.system.pingable = false;
    box.system.running.delete("tinc@guifi.service");
    expect(await failureOf(() => verify(box))).toMatchObject({
      code: "vpn-stopped",
      message: "The program of the VPN (tinc) does not run.",
    });
  });

  test("only warns about an Avahi that does not start", async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    box.system.running.delete("avahi-daemon.service");
    expect(await verify(box)).toEqual([{ code: "vpn-no-avahi" }]);
  });

  test("only warns the first box of a VPN that it is alone", async () => {
    const box = boxWith(undefined);
    const answers = { join: true, bundle: { name: "first", address: "10.228.0.1/24", hosts: [] } };
    await apply(box, answers);
    box.system.pingable = false;
    expect(await verify(box, answers)).toEqual([{ code: "vpn-no-peers" }]);
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "works" });
  });

  test("pings the known hosts, else the neighbours in the range, never the box itself", () => {
    const address = "10.228.0.7/24";
    const peers = [{ name: "gateway", inside: "10.228.0.1" }, { name: "b" }];
    expect(targetsOf({ address, peers })).toEqual(["10.228.0.1"]);
    const guessed = targetsOf({ address, peers: [{ name: "b" }] });
    expect(guessed.slice(0, 5)).toEqual([
      "10.228.0.6",
      "10.228.0.5",
      "10.228.0.8",
      "10.228.0.1",
      "10.228.0.2",
    ]);
    expect(guessed).not.toContain("10.228.0.7");
    expect(new Set(guessed).size).toBe(guessed.length);
    expect(targetsOf({ address: "10.228.0.1/30", peers: [{ name: "b" }] })).toEqual(["10.228.0.2"]);
  });
});

describe("another box with the same address", () => {
  const advice = (other: string) => ({
    key: "status.vpn.same-address",
    values: { address: "10.228.0.2", other },
  });

  test("in a switched VPN is found by ARP, reported in the set-up and in `cbox vpn`, and forgotten when it is gone", async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    box.system.answers.set(`${paths.addressTaken} guifi 10.228.0.2`, "52:54:00:aa:bb:cc\n");
    const values = { address: "10.228.0.2", other: "52:54:00:aa:bb:cc" };
    expect(await verify(box)).toEqual([{ code: "vpn-same-address", values }]);
    expect(await vpn.status?.(box, image)).toMatchObject({
      ...{ state: "trouble", advice: advice("52:54:00:aa:bb:cc") },
      data: { same_address: "52:54:00:aa:bb:cc", answers: true },
    });
    box.system.answers.clear();
    expect(await verify(box)).toEqual([]);
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "works", data: { same_address: null } });
  });

  test("in a routed VPN is found in the rendezvous' reply", async () => {
    const box = boxWith(undefined);
    const key = rsaKey(1).publicKey;
    const hosts = [
      { name: "gateway", subnets: ["10.228.0.1"], key },
      { name: "can_pau", subnets: ["10.228.0.2"], key },
    ];
    const bundle = { name: "can_bruixa", address: "10.228.0.2/24", mode: "router", hosts } as const;
    const answers = { join: true, bundle: { ...bundle, hosts: [...hosts] } };
    await apply(box, answers);
    expect(await verify(box, answers)).toEqual([
      { code: "vpn-same-address", values: { address: "10.228.0.2", other: "can_pau" } },
    ]);
    expect(await vpn.status?.(box, image)).toMatchObject({ state: "trouble", advice: advice("can_pau") });
    expect(box.system.commands.filter((line) => line.startsWith(paths.addressTaken))).toEqual([]);
  });
});

test("a neighbour whose tinc is too old for this box's OpenSSL is named as the reason, in both forms", async () => {
  const log =
    "Error during initialisation of cipher from old: error:0308010C:digital envelope routines::unsupported\n";
  for (const url of [GETINCONF, JSON_FORM]) {
    const box = boxWith(rendezvous());
    const answers = { ...JOIN, rendezvous: [url] };
    await apply(box, answers);
    box.system.pingable = false;
    box.system.answers.set("journalctl", log);
    expect(await failureOf(() => verify(box, answers))).toMatchObject({
      code: "vpn-silent",
      message: "The box is set up for the VPN, but nobody answers through it.",
      found:
        "a neighbour's tinc is too old: it speaks Blowfish, and this box lacks OpenSSL's legacy provider",
    });
  }
});

test("Avahi uses the tunnel in every mode, although a router's is a point-to-point interface", async () => {
  for (const mode of ["router", "switch", "hub"] as const) {
    const box = boxWith(rendezvous({ mode }));
    await apply(box);
    expect(box.files.get(paths.avahi)).toMatch(/^allow-interfaces=guifi$[\s\S]*^allow-point-to-point=yes$/m);
  }
});

describe("leaving and moving", () => {
  test('by "no" after "yes" removes everything but the key, and does nothing the second time', async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    await verify(box);
    // A cut left it behind.
    box.files.set("/etc/tinc/.guifi.new/tinc.conf", "half");
    await apply(box, { join: false });
    expect(tincFilesOf(box)).toEqual(["/etc/tinc/guifi/rsa_key.priv"]);
    expect(box.system.enabled).toEqual(new Set(["tinc.service"]));
    const sandboxes = ["tinc@guifi.service", "avahi-daemon.service"].map(paths.sandboxOf);
    for (const path of [paths.vpn, paths.vpnAnswer, paths.avahi, paths.avahiUnit, ...sandboxes]) {
      expect(box.files.has(path), path).toBe(false);
    }
    expect(await vpn.status?.(box, image)).toEqual({ state: "off", rows: [], data: { joined: false } });
    const before = box.effects.length;
    await apply(box, { join: false });
    expect(box.effects.length).toBe(before);
  });

  test("by another network replaces the first", async () => {
    const box = boxWith(rendezvous());
    await apply(box);
    box.servers.request = (wanted) => rendezvous({ network: "demo" }).request(wanted);
    await apply(box, { ...JOIN, network: "demo" });
    expect(tincFilesOf(box).filter((path) => path.startsWith("/etc/tinc/guifi"))).toEqual([
      "/etc/tinc/guifi/rsa_key.priv",
    ]);
    expect(box.system.enabled.has("tinc@demo.service")).toBe(true);
    expect(box.system.enabled.has("tinc@guifi.service")).toBe(false);
    expect(box.files.get(paths.avahi)).toContain("allow-interfaces=demo");
  });
});

describe("a reset of the VPN", () => {
  const options = (keepData: boolean) => ({ keepData, progress: () => {} });

  test("keeps the key with the data or removes it with all, and leaves other networks alone", async () => {
    const box = boxWith(rendezvous());
    box.files.set("/etc/tinc/handmade/tinc.conf", "Name = me\n");
    box.files.set("/etc/tinc/tried/rsa_key.priv", "half of one");
    await apply(box);
    await vpn.reset?.(box, image, options(true));
    expect(tincFilesOf(box)).toEqual([
      "/etc/tinc/guifi/rsa_key.priv",
      "/etc/tinc/handmade/tinc.conf",
      "/etc/tinc/tried/rsa_key.priv",
    ]);
    expect(box.system.enabled.has("tinc@guifi.service")).toBe(false);
    await vpn.reset?.(box, image, options(false));
    expect(tincFilesOf(box)).toEqual(["/etc/tinc/handmade/tinc.conf"]);
  });

  test("does nothing on a box that was in no VPN", async () => {
    const box = boxWith(undefined);
    await vpn.reset?.(box, image, options(false));
    expect(box.effects).toEqual([]);
  });
});

test("a VPN that was wanted and not joined is trouble, with the command for later", async () => {
  const box = boxWith(undefined);
  const warnings = [{ code: "vpn-passed", step: "vpn", values: { reason: "rendezvous-silent" } }];
  await writeMarker(box, { configured: "", version: "", providedSecrets: [], warnings });
  expect(await vpn.status?.(box, image)).toEqual({
    ...{ state: "trouble", rows: [], data: { joined: false } },
    advice: { key: "status.vpn.later", values: { command: "sudo cbox vpn setup" } },
  });
});

test("a damaged record counts as none", async () => {
  for (const text of ["", "{}", "null", '{"network":"../x","peers":[]}', '{"network":"guifi"}']) {
    const box = boxWith(undefined);
    box.files.set(paths.vpn, text);
    expect(await vpn.status?.(box, image), text).toMatchObject({ state: "off" });
    await apply(box, { join: false });
    expect(box.effects).toEqual([]);
  }
});

test("the status shows the box's identity in the VPN, and who answered", async () => {
  const box = boxWith(rendezvous());
  await apply(box);
  await verify(box);
  expect(await vpn.status?.(box, image)).toEqual({
    state: "works",
    rows: [
      { label: "status.vpn.network", value: "guifi (switch)" },
      { label: "status.vpn.address", value: "10.228.0.2/24, can_bruixa" },
      { label: "status.vpn.range", value: "10.228.0.0/24" },
      {
        ...{ label: "status.vpn.rendezvous", value: GETINCONF },
        text: { key: "status.vpn.by-plain", values: { url: GETINCONF } },
      },
      { label: "status.vpn.peers", value: "1: gateway" },
      { label: "status.vpn.answer", value: "10.228.0.1, 2026-01-01 00:00 UTC" },
    ],
    data: {
      joined: true,
      network: "guifi",
      name: "can_bruixa",
      address: "10.228.0.2/24",
      mode: "switch",
      range: "10.228.0.0/24",
      rendezvous: GETINCONF,
      plain_http: true,
      peers: [{ name: "gateway", address: "10.139.40.85" }],
      answers: true,
      last_answer: { from: "10.228.0.1", at: "2026-01-01T00:00:00.000Z" },
      last_asked: null,
      same_address: null,
      waiting_since: null,
    },
  });
});

describe("a power cut", () => {
  const withoutRun = (box: FakeBox) =>
    Object.fromEntries([...box.files].filter(([path]) => !path.startsWith("/run/")));

  async function applyAndVerify(box: FakeBox, answers: VpnAnswers): Promise<void> {
    await apply(box, answers);
    await verify(box, answers);
  }

  test.each([
    ["getinconf", GETINCONF],
    ["JSON", JSON_FORM],
  ])(
    "after each single effect of joining by %s leads to one box in the VPN and no incomplete files",
    async (_form, url) => {
      const answers = { ...JOIN, rendezvous: [url] };
      const calm = boxWith(rendezvous());
      await applyAndVerify(calm, answers);
      expect(calm.effects.length).toBeGreaterThan(20);
      for (let cut = 0; cut < calm.effects.length; cut++) {
        const server = rendezvous();
        const box = boxWith(server);
        box.cutAfter(cut);
        await expect(applyAndVerify(box, answers), `cut ${cut}`).rejects.toBeInstanceOf(PowerCut);
        // As tincd would find it: whole, or only the key.
        const found = tincFilesOf(box).filter((path) => path.startsWith("/etc/tinc/guifi/"));
        expect([0, 1, 6], `after cut ${cut}, before ${calm.effects[cut]}`).toContain(found.length);
        box.powerOn();
        await applyAndVerify(box, answers);
        expect(withoutRun(box), `after cut ${cut}, before ${calm.effects[cut]}`).toEqual(withoutRun(calm));
        expect(server.nodes()).toHaveLength(1);
      }
    },
  );

  test("after each single effect of joining again leaves either the old or the new configuration, complete", async () => {
    const start = async () => {
      const server = rendezvous();
      const box = boxWith(server);
      await applyAndVerify(box, JOIN);
      // A neighbour has come since, so that files change.
      await apply(neighbour(server, 2));
      return box;
    };
    const calm = await start();
    const from = calm.effects.length;
    await applyAndVerify(calm, JOIN);
    const effects = calm.effects.length - from;
    for (let cut = 0; cut < effects; cut++) {
      const box = await start();
      box.cutAfter(cut);
      await expect(applyAndVerify(box, JOIN)).rejects.toBeInstanceOf(PowerCut);
      const calls = box.files.get("/etc/tinc/guifi/tinc.conf")?.match(/ConnectTo/g) ?? [];
      expect(hostsOf(box).length, `cut ${cut}`).toBe(calls.length + 1);
      box.powerOn();
      await applyAndVerify(box, JOIN);
      expect(withoutRun(box)).toEqual(withoutRun(calm));
    }
  });

  test("leaves the named configuration complete even where mv cannot exchange", async () => {
    const old = (box: FakeBox) => {
      const { run } = box;
      box.run = async (command, args, options) =>
        args[0] === "--exchange"
          ? { code: 1, stdout: "", stderr: "mv: unrecognized option '--exchange'\nTry 'mv --help'.\n" }
          : run.call(box, command, args, options);
      return box;
    };
    const start = async () => {
      const server = rendezvous();
      const box = old(boxWith(server));
      await applyAndVerify(box, JOIN);
      await apply(neighbour(server, 2));
      return box;
    };
    const calm = await start();
    const from = calm.effects.length;
    await applyAndVerify(calm, JOIN);
    const modern = boxWith(rendezvous());
    await applyAndVerify(modern, JOIN);
    expect(tincFilesOf(calm)).toEqual(expect.arrayContaining(tincFilesOf(modern)));
    const effects = calm.effects.length - from;
    expect(effects).toBeGreaterThan(10);
    for (let cut = 0; cut < effects; cut++) {
      const box = await start();
      box.cutAfter(cut);
      await expect(applyAndVerify(box, JOIN)).rejects.toBeInstanceOf(PowerCut);
      const named = box.files.get("/etc/tinc/guifi/tinc.conf")?.matchAll(/ConnectTo ?= ?(\S+)/g) ?? [];
      for (const [, host] of named)
        expect(tincFilesOf(box), `cut ${cut}`).toContain(`/etc/tinc/guifi/hosts/${host}`);
      box.powerOn();
      await applyAndVerify(box, JOIN);
      expect(withoutRun(box), `cut ${cut}`).toEqual(withoutRun(calm));
    }
  });

  test("after each single effect of leaving does not prevent that", async () => {
    const joined = async () => {
      const box = boxWith(rendezvous());
      await apply(box);
      return box;
    };
    const calm = await joined();
    const from = calm.effects.length;
    await apply(calm, { join: false });
    for (let cut = 0; cut < calm.effects.length - from; cut++) {
      const box = await joined();
      box.cutAfter(cut);
      await expect(apply(box, { join: false })).rejects.toBeInstanceOf(PowerCut);
      box.powerOn();
      await apply(box, { join: false });
      expect(withoutRun(box), `cut ${cut}`).toEqual(withoutRun(calm));
      expect(box.system.enabled).toEqual(calm.system.enabled);
    }
  });
});

describe("the address that others know the box by", () => {
  const known = async (dhcp: string | undefined) => {
    const box = boxWith(rendezvous());
    box.system.dhcpAddress = dhcp;
    await apply(box);
    return (await communityAddress(box, image))?.address;
  };

  test("is the wired address in the community's ranges, else the VPN address", async () => {
    expect(await known("10.1.2.50/24")).toBe("10.1.2.50");
    expect(await known("192.168.1.20/24")).toBe("10.228.0.2");
    expect(await known(undefined)).toBe("10.228.0.2");
  });

  test("is never one of a network of the box's own contexts", async () => {
    const link = (ifname: string, local: string) => ({ ifname, addr_info: [{ local, prefixlen: 24 }] });
    const links = [link("cbox-owner", "172.31.240.1"), link("cbox-community", "172.31.241.1")];
    const seen = async (all: readonly object[]) => {
      const run = async () => ({ code: 0, stdout: JSON.stringify(all), stderr: "" });
      return communityAddress(Object.assign(new FakeBox(), { run }), image);
    };
    expect(await seen(links)).toBeUndefined();
    expect((await seen([...links, link("enp1s0", "192.168.1.20")]))?.address).toBe("192.168.1.20");
  });
});
