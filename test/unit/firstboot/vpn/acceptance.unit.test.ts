// SPDX-License-Identifier: GPL-3.0-or-later
// Replies of a rendezvous that have the right form and that a box does not take all the same: networks it may not have,
// addresses that the box needs elsewhere, other keys of the community's gateways. And what is shown of those it takes.

import { describe, expect, test } from "vitest";
import { stepStatusText } from "../../../../firstboot/commands/status.ts";
import type { HttpRequest, HttpResponse } from "../../../../firstboot/host/box.ts";
import type { ImageInfo } from "../../../../firstboot/host/image-info.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { vpn } from "../../../../firstboot/steps/vpn/index.ts";
import type { VpnAnswers } from "../../../../firstboot/steps/vpn/questions.ts";
import { fingerprint } from "../../../../firstboot/vpn/gateways.ts";
import { refreshVpn } from "../../../../firstboot/vpn/refresh.ts";
import { failureOf } from "../../../failure-of.ts";
import { type FakeBox, rsaKey } from "../../helpers/fake-box.ts";
import {
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
} from "../../helpers/vpn.ts";

const FORMS = [
  ["getinconf", GETINCONF],
  ["JSON", JSON_FORM],
] as const;

type VpnOfCommunity = ImageInfo["community"]["vpn"];
const imageWith = (change: Partial<VpnOfCommunity>): ImageInfo => ({
  ...image,
  community: { ...image.community, vpn: { ...image.community.vpn, ...change } },
});

const apply = (box: FakeBox, url: string, of: ImageInfo = image, change: Partial<VpnAnswers> = {}) =>
  vpn.apply({ ...JOIN, rendezvous: [url], ...change } as never, { ...toolsOf(box), image: of });
const refresh = (box: FakeBox, of: ImageInfo = image) => refreshVpn(box, of, { alone: (work) => work() });

/** The code and what was found, of a reply that is refused; nothing of the box has changed then. */
async function refused(box: FakeBox, url: string, of?: ImageInfo, change?: Partial<VpnAnswers>) {
  const before = tincFilesOf(box).map((path) => [path, box.files.get(path)]);
  const record = box.files.get(paths.vpn);
  const from = box.system.commands.length;
  const { code, found } = await failureOf(() => apply(box, url, of, change));
  const after = tincFilesOf(box).filter((path) => before.length > 0 || !path.endsWith("/rsa_key.priv"));
  expect(after.map((path) => [path, box.files.get(path)])).toEqual(before);
  expect(box.files.get(paths.vpn)).toBe(record);
  expect(box.system.commands.slice(from).filter((line) => /^(systemctl|mv|cp) /.test(line))).toEqual([]);
  return { code, found };
}

/** The server's replies with some of their text changed. */
function says(box: FakeBox, server: Server, change: (text: string) => string): void {
  box.servers.request = async (wanted: HttpRequest): Promise<HttpResponse> => {
    const { status, body } = await server.request(wanted);
    return {
      status,
      body: Buffer.from(wanted.method === "POST" ? change(body.toString()) : body.toString()),
    };
  };
}

describe.each(FORMS)("by %s, the VPN's network", (_form, url) => {
  const { host } = new URL(url);

  test.each(["203.0.113", "8.8.8", "100.64.7", "172.32.0", "169.254.7", "198.18.0"])(
    "%s.0/24 is not private, and refused",
    async (range) => {
      expect(await refused(boxWith(rendezvous({ range })), url)).toEqual({
        code: "vpn-range-refused",
        found: `${host} gives ${range}.0/24; allowed are 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, with a prefix from /16 on`,
      });
    },
  );

  test("is accepted when it is private with a prefix from 16 on", async () => {
    for (const [range, prefix] of [
      ["10.228.0", 16],
      ["172.31.7", 24],
      ["192.168.0", 16],
      ["10.228.0", 30],
    ] as const) {
      const box = boxWith(undefined);
      says(box, rendezvous({ range }), (text) => text.replace(/(\d)\/24\b/g, `$1/${prefix}`));
      await apply(box, url);
      expect(box.files.get("/etc/tinc/guifi/tinc-up")).toContain(`${range}.2/${prefix} `);
    }
  });

  test("is refused when it is larger", async () => {
    const box = boxWith(undefined);
    says(box, rendezvous({ range: "172.16.0" }), (text) => text.replace(/(\d)\/24\b/g, "$1/15"));
    expect(await refused(box, url)).toMatchObject({
      code: "vpn-range-refused",
      found: expect.stringContaining(`${host} gives 172.16.0.0/15; `),
    });
  });

  test("must be one of the community's ranges, with any prefix, and others are refused even if private", async () => {
    const of = imageWith({ ranges: ["172.16.0.0/12", "203.0.113.0/24"] });
    const box = boxWith(undefined);
    says(box, rendezvous({ range: "172.16.0" }), (text) => text.replace(/(\d)\/24\b/g, "$1/12"));
    await apply(box, url, of);
    await apply(boxWith(rendezvous({ range: "203.0.113" })), url, of);
    expect(await refused(boxWith(rendezvous()), url, of)).toEqual({
      code: "vpn-range-refused",
      found: `${host} gives 10.228.0.0/24; allowed are 172.16.0.0/12, 203.0.113.0/24, with a prefix from /8 on`,
    });
    const around = boxWith(undefined);
    says(around, rendezvous({ range: "203.0.113" }), (text) => text.replace(/(\d)\/24\b/g, "$1/23"));
    expect(await refused(around, url, of)).toMatchObject({ code: "vpn-range-refused" });
  });

  test("follows the default rule in a VPN that is not the community's", async () => {
    const of = imageWith({ ranges: ["203.0.113.0/24"] });
    const network = { network: "demo" };
    await apply(boxWith(rendezvous(network)), url, of, network);
    const box = boxWith(rendezvous({ ...network, range: "203.0.113" }));
    expect(await refused(box, url, of, network)).toMatchObject({ code: "vpn-range-refused" });
  });

  test("is refused by the hourly refresh as well, which `cbox vpn` reports, while the earlier one stays", async () => {
    const box = boxWith(rendezvous());
    await apply(box, url);
    const before = tincFilesOf(box).map((path) => box.files.get(path));
    const other = rendezvous({ range: "203.0.113" });
    box.servers.request = (wanted) => other.request(wanted);
    expect(await refresh(box)).toBe("failed");
    expect(tincFilesOf(box).map((path) => box.files.get(path))).toEqual(before);
    expect(await vpn.status?.(box, image)).toMatchObject({
      state: "works",
      advice: {
        key: "status.vpn.range-refused",
        values: { host, network: "203.0.113.0/24" },
      },
      data: { range: "10.228.0.0/24", last_asked: { failed: "vpn-range-refused" } },
    });
  });

  test("is kept on a box that joined before the rule", async () => {
    const box = boxWith(rendezvous({ range: "203.0.113" }));
    await apply(box, url, imageWith({ ranges: ["203.0.113.0/24"] }));
    expect(await refresh(box)).toBe("unchanged");
    await apply(box, url);
  });
});

describe("a VPN network that contains an address the box needs elsewhere is refused", () => {
  const range = "10.77.0";
  const ROUTES = "ip -json -4 route show default";
  const withCommunity = (change: object): ImageInfo => ({
    ...image,
    community: { ...image.community, ...change },
  });
  const api = { ...image.community.api, cnml_url: "http://10.77.0.9/cnml" };

  test.each<[string, (box: FakeBox) => void, ImageInfo, string]>([
    [
      "the router",
      (box) => box.system.answers.set(ROUTES, '[{"dst":"default","gateway":"10.77.0.1","dev":"enp1s0"}]'),
      image,
      "10.77.0.1, the router",
    ],
    [
      "one of two routers",
      (box) =>
        box.system.answers.set(
          ROUTES,
          '[{"dst":"default","nexthops":[{"gateway":"10.1.2.1"},{"gateway":"10.77.0.1"}]}]',
        ),
      image,
      "10.77.0.1, the router",
    ],
    [
      "a name server",
      (box) => box.files.set("/etc/resolv.conf", "# mine\nnameserver 127.0.0.53\nnameserver 10.77.0.53\n"),
      image,
      "10.77.0.53, a name server",
    ],
    [
      "a name server behind systemd-resolved",
      (box) => box.files.set("/run/systemd/resolve/resolv.conf", "nameserver 10.77.0.53\n"),
      image,
      "10.77.0.53, a name server",
    ],
    [
      "the members' directory",
      (box) =>
        box.system.answers.set("getent ahostsv4 ldap2.guifi.net", "10.77.0.4 STREAM ldap2.guifi.net\n"),
      image,
      "10.77.0.4, the members' directory (ldap2.guifi.net)",
    ],
    ["the web site", () => {}, withCommunity({ api }), "10.77.0.9, the community's web site (10.77.0.9)"],
    [
      "a time server of the community",
      (box) =>
        box.system.answers.set("getent ahostsv4 ntp.example.net", "192.0.2.1 STREAM x\n10.77.0.5 STREAM\n"),
      withCommunity({ ntp: { servers: ["ntp.example.net"] } }),
      "10.77.0.5, a time server (ntp.example.net)",
    ],
    [
      "a time server of the network at home",
      (box) => box.system.answers.set("timedatectl", "LinkNTPServers=fd00::1 10.77.0.5\nSystemNTPServers=\n"),
      image,
      "10.77.0.5, a time server (10.77.0.5)",
    ],
    [
      "the start of Serf",
      () => {},
      withCommunity({ serf: { ...image.community.serf, bootstrap: ["10.77.0.22:5000"] } }),
      "10.77.0.22, by which boxes find each other",
    ],
    [
      "a mirror",
      (box) =>
        box.files.set(
          "/etc/apt/sources.list.d/debian.sources",
          "Types: deb\nURIs: http://10.77.0.8/debian\n",
        ),
      image,
      "10.77.0.8, where packages come from (10.77.0.8)",
    ],
  ])("%s", async (_what, prepare, of, words) => {
    for (const [, url] of FORMS) {
      const box = boxWith(rendezvous({ range }));
      prepare(box);
      expect(await refused(box, url, of)).toEqual({
        code: "vpn-range-holds",
        found: `10.77.0.0/24 holds ${words}`,
      });
      // The same box, in a network that holds nothing.
      const other = rendezvous();
      box.servers.request = (wanted) => other.request(wanted);
      await apply(box, url, of);
      // And again in the hour's refresh.
      const back = rendezvous({ range });
      box.servers.request = (wanted) => back.request(wanted);
      expect(await refresh(box, of)).toBe("failed");
      expect(await vpn.status?.(box, of)).toMatchObject({
        advice: { key: "status.vpn.range-holds", values: { network: "10.77.0.0/24" } },
        data: { address: "10.228.0.2/24" },
      });
    }
  });

  test("when it is the rendezvous itself", async () => {
    for (const url of ["http://10.77.0.84/index.php", "https://10.77.0.84"]) {
      expect(await refused(boxWith(rendezvous({ range })), url)).toEqual({
        code: "vpn-range-holds",
        found: "10.77.0.0/24 holds 10.77.0.84, the rendezvous itself (10.77.0.84)",
      });
    }
  });

  test("when it comes by a bundle, too, for which no range is set", async () => {
    const bundle = { name: "a", address: "203.0.113.7/24", hosts: [] };
    await apply(boxWith(undefined), GETINCONF, image, { bundle });
    const box = boxWith(undefined);
    box.files.set("/etc/resolv.conf", "nameserver 203.0.113.53\n");
    expect(await refused(box, GETINCONF, image, { bundle })).toMatchObject({ code: "vpn-range-holds" });
  });

  test("only by a report in `cbox vpn` when it becomes the box's local network later; updates of other hosts continue", async () => {
    const server = rendezvous();
    const box = boxWith(server);
    await apply(box, JSON_FORM);
    box.files.set("/etc/resolv.conf", "nameserver 10.228.0.53\n");
    await apply(neighbour(server, 2), JSON_FORM);
    expect(await refresh(box)).toBe("changed");
    expect(await vpn.status?.(box, image)).toMatchObject({
      advice: {
        key: "status.vpn.held",
        values: { network: "10.228.0.0/24", address: "10.228.0.53", command: "sudo cbox vpn setup" },
      },
    });
    box.files.delete("/etc/resolv.conf");
    await refresh(box);
    expect(await vpn.status?.(box, image)).not.toHaveProperty("advice");
  });

  test("and the reply of the next rendezvous is used", async () => {
    const [bad, good] = [rendezvous({ range: "203.0.113" }), rendezvous()];
    const box = boxWith(undefined);
    box.servers.request = (wanted) => (wanted.url.startsWith("http:") ? bad : good).request(wanted);
    await apply(box, GETINCONF, image, { rendezvous: [GETINCONF, JSON_FORM] });
    expect(JSON.parse(box.files.get(paths.vpn) ?? "")).toMatchObject({ rendezvous: JSON_FORM });
  });
});

describe.each(FORMS)("peers that %s names", (_form, url) => {
  const withPeerAt = async (address: string) => {
    const box = boxWith(undefined);
    box.system.answers.set("ip -json -4 route show default", '[{"gateway":"10.1.2.1"}]');
    const server = rendezvous();
    await apply(neighbour(server, 2), url);
    says(box, server, (text) =>
      text.replace(/Address=10\.1\.2\.50|"address":"10\.1\.2\.50"/, (field) =>
        field.replace("10.1.2.50", address),
      ),
    );
    const tools = toolsOf(box);
    await vpn.apply({ ...JOIN, rendezvous: [url] } as never, tools);
    return { hosts: hostsOf(box), said: tools.said };
  };

  test.each([
    "10.1.2.1",
    "10.1.2.255",
    "10.1.2.0",
    "169.254.1.1",
    "127.0.0.1",
    "224.0.0.5",
    "255.255.255.255",
  ])("at %s are left out and counted", async (address) => {
    const { hosts, said } = await withPeerAt(address);
    expect(hosts).toEqual(["can_bruixa", "gateway"]);
    expect(said).toContain("progress.vpn.left-out 1");
  });

  test("in the local network are accepted: another box of the household", async () => {
    expect((await withPeerAt("10.1.2.77")).hosts).toEqual(["can_bruixa", "gateway", "neighbour_2"]);
  });
});

describe.each(FORMS)("gateways with a key in the community's settings, by %s", (_form, url) => {
  const { host } = new URL(url);
  const right = fingerprint(rsaKey(1).publicKey);
  const other = fingerprint(rsaKey(2).publicKey);
  const pinned = imageWith({ gateways: { gateway: right } });

  test("are accepted with that key", async () => {
    const box = boxWith(rendezvous());
    await apply(box, url, pinned);
    expect(await refresh(box, pinned)).toBe("unchanged");
    expect(hostsOf(box)).toEqual(["can_bruixa", "gateway"]);
  });

  test("are refused with another key", async () => {
    const server = rendezvous({ gateway: { name: "gateway", publicKey: rsaKey(2).publicKey } });
    expect(await refused(boxWith(server), url, pinned)).toEqual({
      code: "vpn-gateway-key",
      found: `${host} gives gateway the key ${other.slice(0, 16)}..., the community ${right.slice(0, 16)}...`,
    });
  });

  test("must not all be missing", async () => {
    const server = rendezvous({ gateway: { name: "gateway2", publicKey: rsaKey(2).publicKey } });
    expect(await refused(boxWith(server), url, pinned)).toEqual({
      code: "vpn-gateway-missing",
      found: `${host} names none of gateway`,
    });
    const two = imageWith({ gateways: { gateway: right, another: other } });
    await apply(boxWith(rendezvous()), url, two);
  });

  test("are not this box, unless it has the key", async () => {
    const box = boxWith(rendezvous());
    const own = (key: string) => imageWith({ gateways: { can_bruixa: key } });
    expect(await refused(box, url, own(right))).toMatchObject({ code: "vpn-gateway-key" });
    await apply(box, url, own(fingerprint(rsaKey(0).publicKey)));
  });

  test("keep their file when the hourly refresh brings another key, which `cbox vpn` reports", async () => {
    const box = boxWith(rendezvous());
    await apply(box, url, pinned);
    const before = tincFilesOf(box).map((path) => box.files.get(path));
    const record = box.files.get(paths.vpn);
    const hostile = rendezvous({ gateway: { name: "gateway", publicKey: rsaKey(2).publicKey } });
    box.servers.request = (wanted) => hostile.request(wanted);
    const from = box.system.commands.length;
    expect(await refresh(box, pinned)).toBe("failed");
    expect(tincFilesOf(box).map((path) => box.files.get(path))).toEqual(before);
    expect(box.files.get(paths.vpn)).toBe(record);
    expect(box.system.commands.slice(from).filter((line) => line.startsWith("systemctl "))).toEqual([]);
    expect(await vpn.status?.(box, pinned)).toMatchObject({
      state: "works",
      rows: expect.arrayContaining([
        { label: "status.vpn.ask-failed", value: "2026-01-01 00:00 UTC [vpn-gateway-key]" },
      ]),
      advice: {
        key: "status.vpn.gateway-key",
        values: { host, name: "gateway", found: other.slice(0, 16), expected: right.slice(0, 16) },
      },
    });
    const honest = rendezvous();
    box.servers.request = (wanted) => honest.request(wanted);
    expect(await refresh(box, pinned)).toBe("unchanged");
    expect(await vpn.status?.(box, pinned)).not.toHaveProperty("advice");
  });

  test("do not restrict a VPN that is not the community's", async () => {
    const network = { network: "demo" };
    const gateway = { name: "gateway", publicKey: rsaKey(2).publicKey };
    await apply(boxWith(rendezvous({ ...network, gateway })), url, pinned, network);
  });
});

describe("the user is shown", () => {
  test.each([
    [GETINCONF, "progress.vpn.told-plain 10.139.40.84 10.228.0.0/24", true],
    [JSON_FORM, "progress.vpn.told vpn.example.net 10.228.0.0/24", false],
  ] as const)(
    "from %s: network and peers before the box joins, and both in `cbox vpn`",
    async (url, told, isPlain) => {
      const box = boxWith(rendezvous());
      const tools = toolsOf(box);
      const joined: [string, boolean][] = [];
      const progress: typeof tools.progress = (key, values) => {
        tools.progress(key, values);
        joined.push([key, box.files.has("/etc/tinc/guifi/tinc.conf")]);
      };
      await vpn.apply({ ...JOIN, rendezvous: [url] } as never, { ...tools, progress });
      expect(tools.said).toContain(told);
      expect(tools.said).toContain("progress.vpn.told-peers 1 gateway (10.139.40.85)");
      expect(
        joined.filter(([key]) => key.startsWith("progress.vpn.told")).map(([, isJoined]) => isJoined),
      ).toEqual([false, false]);
      const found = await vpn.status!(box, image);
      expect(found.data).toMatchObject({ range: "10.228.0.0/24", plain_http: isPlain });
      const shown = stepStatusText({ id: "vpn", ...found }, translator("en"));
      expect(shown).toContain("\n  Goes through it  10.228.0.0/24\n");
      expect(shown).toContain(`\n  Rendezvous       ${url}`);
      expect(shown.includes("by plain http")).toBe(isPlain);
    },
  );

  test.each([
    ["en", "guifi, 10.139.40.84 (plain http), vpn.example.net", /10\.139\.40\.84 is asked by plain http/],
    ["ca", "guifi, 10.139.40.84 (http sense xifrar), vpn.example.net", /http sense xifrar/],
    ["es", "guifi, 10.139.40.84 (http sin cifrar), vpn.example.net", /http sin cifrar/],
  ])(
    "in the review, in %s: the rendezvous, that it is reached by plain http, and the accepted ranges",
    (language, line, plain) => {
      const t = translator(language);
      const answers = { ...JOIN, rendezvous: [GETINCONF, JSON_FORM] } as never;
      expect(vpn.summary?.(answers, t)).toBe(line);
      const notes = vpn.reviewNotes?.(answers, t, image) ?? [];
      expect(notes).toHaveLength(3);
      expect(notes[0]).toMatch(plain);
      expect(notes[1]).toContain("10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16");
      expect(vpn.reviewNotes?.(answers, t, imageWith({ ranges: ["10.228.0.0/16"] }))?.[1]).toContain(
        "10.228.0.0/16",
      );
      expect(vpn.reviewNotes?.({ ...JOIN, rendezvous: [JSON_FORM] } as never, t, image)?.join()).not.toMatch(
        plain,
      );
      expect(vpn.reviewNotes?.({ join: false }, t, image)).toEqual([]);
      expect(vpn.summary?.({ join: false }, t)).toBe(`${t("label.vpn.join")}: ${t("option.false")}`);
    },
  );
});
