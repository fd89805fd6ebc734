// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services` and `cbox search` on a box in memory, and what a registered box tells the community's site.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeServices, type PublishedService } from "../../../../common/serf-payload.ts";
import { catalogue } from "../../../../firstboot/catalogue/catalogue.ts";
import {
  joinLines,
  pick,
  pickByAddress,
  runJoin,
  searchLines,
} from "../../../../firstboot/commands/search.ts";
import { runServices } from "../../../../firstboot/commands/services.ts";
import { parseBrowse } from "../../../../firstboot/discovery/avahi.ts";
import { type FoundService, parseRtt, search } from "../../../../firstboot/discovery/search.ts";
import { GuifiApi } from "../../../../firstboot/guifi/api.ts";
import { freshNode, linkAddress, registerDevice } from "../../../../firstboot/guifi/registration.ts";
import { remember } from "../../../../firstboot/guifi/store.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { defaultInputs } from "../../../../firstboot/services/data.ts";
import { declare } from "../../../../firstboot/services/declare.ts";
import { failureOf } from "../../../failure-of.ts";
import { labMember } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { type FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { roomyBox, stateOf } from "../../helpers/services-box.ts";

async function run(box: FakeBox, verb: string, id?: string, options = {}): Promise<string> {
  const lines: string[] = [];
  const tools = { box, image: IMAGE, t: translator("en"), print: (line: string) => void lines.push(line) };
  await runServices(tools, verb, id, options);
  return lines.join("\n");
}

describe("cbox services", () => {
  test("lists every service with its state, and why one is not available", async () => {
    const box = roomyBox({ contexts: false });
    await run(box, "enable", "serf");
    const text = await run(box, "list");
    expect(text.split("\n")).toHaveLength(catalogue.length);
    expect(text).toMatch(/^serf +host +works, announced as 10\.1\.2\.50:5000, 2 nodes found$/m);
    expect(text).toMatch(/^docker +off \(This service needs a context, and this box has none\.\)$/m);
    const { services } = JSON.parse(await run(box, "list", undefined, { json: true }));
    expect(services[0]).toMatchObject({ id: "serf", works: true, announced: "10.1.2.50:5000" });
  });

  test("enable starts and announces the service, and prints its password once", async () => {
    const box = roomyBox();
    await run(box, "enable", "serf");
    const said = await run(box, "enable", "syncthing");
    expect(said).toContain('(Syncthing), Web page, user "cbox": 5a5a');
    expect((await stateOf(box, "syncthing"))?.where).toBe("owner");
    expect(await run(box, "list")).toMatch(/^syncthing +owner +works, announced as 10\.1\.2\.50:22000$/m);
  });

  test("enable --context runs it there, and refuses an impossible place with the possible ones", async () => {
    const box = roomyBox();
    await run(box, "enable", "syncthing", { context: "community" });
    expect((await stateOf(box, "syncthing"))?.where).toBe("community");
    const failure = await failureOf(() => run(box, "enable", "docker", { context: "host" }));
    expect(failure).toMatchObject({
      code: "service-impossible",
      found: expect.stringContaining("Possible: community"),
    });
  });

  test("enable reports that a storage grid of one box keeps all copies on its disk; list says when files can be spread", async () => {
    const box = roomyBox();
    expect(await run(box, "enable", "tahoe-lafs")).toContain(
      "no other box is in the grid yet, so all copies of a file lie on this one disk.",
    );
    const alone = await run(box, "list");
    expect(alone).toMatch(/^tahoe-lafs .* 1 of 3 boxes take copies$/m);
    expect(alone).not.toContain("spread");
    box.system.services.gridBoxes = 2;
    const joined = await run(box, "list");
    expect(joined).toMatch(/^tahoe-lafs .* 2 of 3 boxes take copies$/m);
    expect(joined).toContain("To put them anew: sudo cbox services spread tahoe-lafs");
    const { services } = JSON.parse(await run(box, "list", undefined, { json: true }));
    expect(services.find(({ id }: { id: string }) => id === "tahoe-lafs").copies).toEqual({
      boxes: 2,
      wanted: 3,
    });
  });

  test("spread distributes files again without showing keys in a command line, and refuses what is not a key", async () => {
    const box = roomyBox();
    box.system.services.gridBoxes = 2;
    await run(box, "enable", "tahoe-lafs");
    const key = `URI:CHK:${"a".repeat(26)}:${"b".repeat(52)}:1:3:1800`;
    expect(await run(box, "spread", "tahoe-lafs", { keys: `${key}\nURI:DIR2:x\n` })).toBe(
      "URI:CHK:aaaaaaaaaaaa...: on 2 boxes\nURI:DIR2:x...: no key of a file (URI:CHK:...), left as it is",
    );
    expect(box.system.commands.filter((line) => line.includes(key))).toEqual([]);
    expect(await failureOf(() => run(box, "spread", "snmp", { keys: key }))).toMatchObject({
      code: "service-no-copies",
      message: expect.stringContaining("keeps no files on other boxes"),
    });
  });

  test("enable reports what is wrong with a service that does not come up, and where to look", async () => {
    const box = roomyBox();
    box.system.services.deafUnits.add("snmpd.service");
    expect(await failureOf(() => run(box, "enable", "snmp"))).toMatchObject({
      code: "service-failed",
      found: "port udp/161",
      hint: "sudo cbox services log snmp",
    });
  });

  test("disable says what data stays, and remove-data asks first", async () => {
    const box = roomyBox();
    await run(box, "enable", "syncthing");
    expect(await run(box, "disable", "syncthing")).toBe("kept in owner: /var/lib/cbox-syncthing");
    const failure = await failureOf(() => run(box, "remove-data", "syncthing"));
    expect(failure).toMatchObject({
      code: "service-data-kept",
      found: "owner: /var/lib/cbox-syncthing",
      hint: "sudo cbox services remove-data syncthing --yes",
    });
    expect(await run(box, "remove-data", "syncthing", { yes: true })).toBe(
      "removed owner: /var/lib/cbox-syncthing",
    );
  });

  test("unpublish removes the service from the announcement while it runs, and publish adds it again", async () => {
    const box = roomyBox();
    await run(box, "enable", "serf");
    await run(box, "enable", "snmp");
    await run(box, "unpublish", "snmp");
    expect(await run(box, "list")).toMatch(/^snmp +host +works$/m);
    await run(box, "publish", "snmp");
    expect(await run(box, "list")).toMatch(/^snmp +host +works, announced as/m);
  });

  test("start and stop reach the unit, and refuse the system's own services", async () => {
    const box = roomyBox();
    await run(box, "enable", "snmp");
    await run(box, "stop", "snmp");
    expect(box.effects).toContain("systemctl stop snmpd.service");
    await run(box, "enable", "ssh");
    expect((await failureOf(() => run(box, "stop", "ssh"))).code).toBe("service-not-ours");
  });

  test.each([
    ["enable", "sncp", "service-unknown", /Did you mean "snmp"/],
    ["enable", undefined, "usage", /--help/],
    ["frobnicate", "snmp", "usage", /--help/],
    ["stop", "snmp", "service-off", /cbox services enable snmp/],
    ["publish", "docker", "service-not-public", /cbox services/],
  ])("%s %s is refused: %s", async (verb, id, code, hint) => {
    const failure = await failureOf(() => run(roomyBox(), verb, id));
    expect(failure.code).toBe(code);
    expect(failure.hint).toMatch(hint);
  });
});

const bzip2 = async (command: "bzip2" | "bunzip2", input: Uint8Array) => execFileSync(command, { input });
const service = (s: string, more: Partial<PublishedService> = {}): PublishedService => ({
  ...{ s, d: `the_${s}`, m: `${s}.guifi.local`, i: "10.1.1.1", p: "80", e: "guifi", t: "" },
  ...more,
});

/** A box whose Serf sees these nodes, at these distances. */
function boxThatSees(members: readonly object[], distances: { [node: string]: string } = {}): FakeBox {
  const box = roomyBox();
  const own = box.system.run.bind(box.system);
  box.system.run = async (command, args, options) => {
    if (command !== paths.serfRpc) return own(command, args, options);
    const answer = args[0] === "members" ? JSON.stringify({ members }) : distances[args.at(-1) ?? ""];
    return { code: answer === undefined ? 1 : 0, stdout: answer ?? "", stderr: "" };
  };
  return box;
}

describe("cbox search", () => {
  test("finds the services of nodes that are alive, nearest first", async () => {
    const tag = async (...services: PublishedService[]) => ({
      services: await encodeServices(services, bzip2),
    });
    const box = boxThatSees(
      [
        { name: "far", status: "alive", tags: await tag(service("syncthing", { t: "node_id=FAR" })) },
        { name: "near", status: "alive", tags: await tag(service("syncthing"), service("proxy3")) },
        { name: "unknown", status: "alive", tags: await tag(service("syncthing")) },
        { name: "gone", status: "failed", tags: await tag(service("syncthing")) },
        { name: "odd", status: "alive", tags: { services: "AAAA" } },
        { name: "plain", status: "alive", tags: {} },
      ],
      {
        far: "Estimated cbox <-> far rtt: 1.2 s (using WAN coordinates)",
        near: "Estimated cbox <-> near rtt: 812 us (using WAN coordinates)",
      },
    );
    const found = await search(box, "Syncthing");
    expect(found?.services.map(({ node, rtt_ms }) => [node, rtt_ms])).toEqual([
      ["near", 0.812],
      ["far", 1200],
      ["unknown", undefined],
    ]);
    expect(found?.services[1]?.txt).toEqual({ node_id: "FAR" });
    expect(found?.unreadable).toEqual(["odd"]);
    expect((await search(box))?.services).toHaveLength(4);
    expect(searchLines(found?.services ?? [], translator("en"))).toEqual([
      "#  Type       Description    Host                   Address      Distance",
      "1  syncthing  the syncthing  syncthing.guifi.local  10.1.1.1:80  0.8 ms",
      "2  syncthing  the syncthing  syncthing.guifi.local  10.1.1.1:80  1200 ms",
      "3  syncthing  the syncthing  syncthing.guifi.local  10.1.1.1:80  -",
    ]);
  });

  test("fails without Serf, and prints a sentence when no service is found", async () => {
    const box = boxThatSees([]);
    box.system.run = async () => ({ code: 1, stdout: "", stderr: "" });
    expect(await search(box)).toBeUndefined();
    expect(searchLines([], translator("ca"))).toEqual(["No s'ha trobat cap servei d'aquest tipus."]);
  });

  describe("in the VPN", () => {
    // As avahi-browse 0.8 prints them.
    const BROWSED = String.raw`+;guifi;IPv4;Syncthing\032on\032can-pau;_syncthing._tcp;local
=;guifi;IPv4;Syncthing\032on\032can-pau;_syncthing._tcp;local;can-pau.local;10.228.0.3;22000;"node_id=FAR"
=;guifi;IPv4;Cam\195\173\032\0402\041;_http._tcp;local;gone.local;10.228.0.9;80;"a=\"b;c\"" "path=/x"
=;eth0;IPv4;Printer;_ipp._tcp;local;printer.local;192.168.1.9;631;
=;guifi;IPv6;Six;_http._tcp;local;six.local;fe80::1;80;
`;
    const inVpn = (box: FakeBox, alive: readonly string[]) => {
      box.files.set("/etc/community-box/vpn.json", JSON.stringify({ network: "guifi", peers: [] }));
      const own = box.system.run.bind(box.system);
      box.system.run = async (command, args, options) => {
        if (command === "avahi-browse") return { code: 0, stdout: BROWSED, stderr: "" };
        if (command !== "ping") return own(command, args, options);
        expect(args).toEqual(expect.arrayContaining(["-I", "guifi"]));
        const isAlive = alive.includes(args.at(-1) ?? "");
        const stdout = isAlive ? "rtt min/avg/max/mdev = 1.000/2.500/3.000/0.500 ms\n" : "";
        return { code: isAlive ? 0 : 1, stdout, stderr: "" };
      };
      return box;
    };

    test("reads what Avahi has found there, whatever characters it contains, and nothing of other networks", () => {
      expect(parseBrowse(BROWSED, "guifi")).toEqual([
        {
          ...{ s: "syncthing", d: "Syncthing on can-pau", m: "can-pau.local", i: "10.228.0.3", p: "22000" },
          ...{ e: "", t: "node_id=FAR" },
        },
        {
          ...{ s: "http", d: "Camí (2)", m: "gone.local", i: "10.228.0.9", p: "80" },
          ...{ e: "", t: 'a="b;c"&path=/x' },
        },
      ]);
    });

    test("lists a neighbour's service beside those of Serf, unless it does not answer", async () => {
      const tag = { services: await encodeServices([service("syncthing")], bzip2) };
      const box = inVpn(boxThatSees([{ name: "near", status: "alive", tags: tag }]), ["10.228.0.3"]);
      const found = await search(box);
      expect(found?.services.map(({ by, address, rtt_ms }) => [by, address, rtt_ms])).toEqual([
        ["avahi", "10.228.0.3", 2.5],
        ["serf", "10.1.1.1", undefined],
      ]);
      expect(found?.services[0]).toMatchObject({ txt: { node_id: "FAR" }, node: "can-pau.local" });
      expect(searchLines(found?.services ?? [], translator("en"))).toEqual([
        "#  Type       Description           Host                   Address           Distance  Found by",
        "1  syncthing  Syncthing on can-pau  can-pau.local          10.228.0.3:22000  2.5 ms    Avahi",
        "2  syncthing  the syncthing         syncthing.guifi.local  10.1.1.1:80       -         Serf",
      ]);
      expect((await search(box, "http"))?.services).toEqual([]);
    });

    test("works without Serf, and reports when nobody answers either", async () => {
      const silent = roomyBox();
      const own = silent.system.run.bind(silent.system);
      silent.system.run = async (command, args, options) =>
        command === paths.serfRpc ? { code: 1, stdout: "", stderr: "" } : own(command, args, options);
      expect((await search(inVpn(silent, ["10.228.0.3"])))?.services).toHaveLength(1);
      expect(await search(inVpn(silent, []))).toBeUndefined();
    });
  });

  test.each([
    ["Estimated a <-> b rtt: 1.310 ms (using WAN coordinates)", 1.31],
    ["Estimated a <-> b rtt: 12.5 µs", 0.0125],
    ["Error: no coordinate available", undefined],
  ])("shows %s as %s ms", (text, rtt) => expect(parseRtt(text)).toBe(rtt));

  describe("with a number from the list", () => {
    const found = (more: Partial<FoundService>): FoundService => ({
      ...{
        type: "syncthing",
        description: "x",
        host: "can-serra.guifi.local",
        address: "10.9.9.9",
        port: "22000",
      },
      ...{ txt: {}, by: "serf", node: "n", ...more },
    });
    const OTHER = Array.from({ length: 8 }, () => "AIR6LPZ").join("-");
    async function act(box: FakeBox, one: FoundService): Promise<string> {
      const lines: string[] = [];
      const print = (line: string) => void lines.push(line);
      await runJoin({ box, image: IMAGE, language: "en", print }, one);
      return lines.join("\n");
    }

    test("prints the address of a page, and of an unknown service, too", async () => {
      const box = roomyBox();
      expect(await act(box, found({ type: "docker", port: "8880" }))).toBe(
        "Its address: http://10.9.9.9:8880/",
      );
      expect(await act(box, found({ type: "jabber", port: "5222" }))).toBe("Its address: 10.9.9.9:5222");
    });

    test("introduces another Syncthing to the box's own, with quoted arguments", async () => {
      const box = roomyBox();
      await run(box, "enable", "syncthing");
      expect(await act(box, found({ txt: { node_id: OTHER } }))).toMatch(
        /^This Syncthing knows that one now/,
      );
      const told = box.system.commands.filter((line) => line.includes("config devices"));
      expect(told).toEqual([
        expect.stringMatching(`devices add --device-id=${OTHER} --name=can-serra.guifi.local$`),
        expect.stringMatching(`devices ${OTHER} addresses add tcp://10.9.9.9:22000$`),
      ]);
    });

    test.each([
      [
        "tahoe-lafs",
        { furl: `pb://${"a".repeat(32)}@tcp:10.9.9.9:3458/${"b".repeat(32)}` },
        { grid: "join", furl: `pb://${"a".repeat(32)}@tcp:10.9.9.9:3458/${"b".repeat(32)}` },
      ],
      ["etcd", {}, { cluster: "join", endpoints: "http://10.9.9.9:2379" }],
    ])("enables the box's own %s as a member of the other", async (type, txt, inputs) => {
      const box = roomyBox();
      const one = found({ type, port: type === "etcd" ? "2379" : "3458", txt });
      await act(box, one);
      expect(await stateOf(box, type)).toMatchObject({ state: "on", inputs });
    });

    test("prints the address of a message broker", async () => {
      expect(await act(roomyBox(), found({ type: "mosquitto", port: "1883" }))).toBe(
        "Its address: mqtt://10.9.9.9:1883",
      );
    });

    test("joins the Serf of a node", async () => {
      const box = roomyBox();
      await run(box, "enable", "serf");
      await act(box, found({ type: "serf", port: "5000" }));
      expect(box.system.commands).toContain(`${paths.serfRpc} join 10.9.9.9:5000`);
    });

    test.each([
      ["no device id", { txt: {} }, "search-odd", /node_id: -/],
      ["a device id that is none", { txt: { node_id: "$(reboot)" } }, "search-odd", /node_id: \$\(reboot\)/],
      ["an address that is none", { address: "10.9.9.9/x" }, "search-odd", /^10\.9\.9\.9\/x:22000/],
      ["a port that is none", { type: "docker", port: "0" }, "search-odd", /10\.9\.9\.9:0/],
      ["this box itself", { address: "10.1.2.50", txt: { node_id: OTHER } }, "search-itself", /10\.1\.2\.50/],
    ])("refuses %s and runs nothing", async (_what, more, code, words) => {
      const box = roomyBox();
      await run(box, "enable", "syncthing");
      const before = box.effects.filter((effect) => effect.includes("syncthing cli")).length;
      const failure = await failureOf(() => act(box, found(more as Partial<FoundService>)));
      expect(failure.code).toBe(code);
      expect(failure.found).toMatch(words);
      expect(box.effects.filter((effect) => effect.includes("syncthing cli"))).toHaveLength(before);
    });

    test("needs the box's own service enabled, and prints the command for it", async () => {
      const failure = await failureOf(() => act(roomyBox(), found({ txt: { node_id: OTHER } })));
      expect(failure).toMatchObject({ code: "service-off", hint: "sudo cbox services enable syncthing" });
    });

    test("picks by number or address, and prints the list otherwise", async () => {
      const list = [found({}), found({ port: "1" })];
      expect(pick(list, "2")).toBe(list[1]);
      expect(pick(list, "10.9.9.9:22000")).toBe(list[0]);
      for (const which of ["0", "3", "10.9.9.9", "x"])
        expect((await failureOf(() => pick(list, which))).code).toBe("search-unknown");
      // A number is of the list that was shown, and --join searches anew.
      expect((await failureOf(() => pickByAddress(list, "2"))).code).toBe("search-unknown");
    });

    test("picks by an address with several announcements only when all are the same", async () => {
      const one = found({ txt: { node_id: OTHER }, by: "serf" });
      const heard = { ...one, by: "avahi" } as const;
      expect(pickByAddress([one, heard], "10.9.9.9:22000")).toBe(one);
      for (const odd of [
        { ...one, node: "other", txt: { node_id: "X" } },
        { ...one, node: "other", type: "docker" },
      ]) {
        const failure = await failureOf(() => pickByAddress([odd, one], "10.9.9.9:22000"));
        expect(failure).toMatchObject({
          code: "search-ambiguous",
          found: `${odd.type} (other), syncthing (n)`,
          hint: "sudo cbox search TYPE at a terminal, and choose one by its number.",
        });
      }
    });

    test("shows who it is before joining, with what identifies it", () => {
      const one = found({ txt: { node_id: OTHER } });
      expect(joinLines(one, ["node_id"], translator("en"))).toEqual([
        "n announces syncthing at 10.9.9.9:22000.",
        `  node_id: ${OTHER}`,
      ]);
      expect(joinLines({ ...one, announced_from: "10.6.6.6" }, [], translator("en"))[1]).toMatch(
        /10\.6\.6\.6/,
      );
    });

    test("marks an address that is not the announcing node's own", async () => {
      const tags = { services: await encodeServices([service("syncthing")], bzip2) };
      const lines = async (addr: string) => {
        const found = await search(boxThatSees([{ name: "n", addr, status: "alive", tags }]));
        return searchLines(found?.services ?? [], translator("en"));
      };
      expect(await lines("10.1.1.1:5000")).toHaveLength(2);
      expect((await lines("10.6.6.6:5000"))[1]).toContain("10.1.1.1:80 *");
      expect((await lines("10.6.6.6:5000"))[2]).toBe("* announced from another address than its own");
    });
  });

  test("prints foreign text in one line without control characters, and never crashes", async () => {
    const text = fc.string({ unit: "binary", maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(text, text, text, fc.jsonValue(), async (s, d, t, junk) => {
        const odd = [junk as object, { name: d || "x", status: "alive", tags: { services: "x" } }];
        const box = boxThatSees(odd);
        box.filter = async () => Buffer.from(JSON.stringify([{ ...service(s), d, t }, junk]));
        const found = await search(box);
        for (const line of searchLines(found?.services ?? [], translator("en")))
          expect(line).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 200 },
    );
  });
});

describe("declaring a service at the community's site", () => {
  const proxy = catalogue.find(({ id }) => id === "guifi-proxy")!;

  function registeredBox() {
    const box = roomyBox();
    const community = new SimulatedCommunity();
    box.servers = community;
    const credentials = { username: "anna", password: labMember("anna").password };
    const tools = { box, image: IMAGE, progress: () => {} };
    return { box, community, tools, credentials };
  }

  test("does nothing and sends nothing on a box that is not registered", async () => {
    const { tools, community, credentials } = registeredBox();
    expect(await declare(tools, () => credentials, proxy, "host", defaultInputs(proxy))).toEqual({});
    expect(community.requests).toEqual([]);
  });

  test("declares a registered box's proxy once, however often it is asked", async () => {
    const { tools, box, community, credentials } = registeredBox();
    const session = { box, image: IMAGE, api: new GuifiApi(box, IMAGE, credentials) };
    const wanted = { node: 54052, name: "can-bruixa-box", mac: "52:54:00:12:34:56" };
    const page = await freshNode(session, 54052);
    const device = await registerDevice(session, page, wanted);
    await linkAddress(session, await freshNode(session, 54052), device, "auto", () => {});
    await remember(box, { node: { id: 54052, name: page.title }, device });
    const first = await declare(tools, () => credentials, proxy, "host", defaultInputs(proxy));
    expect(first.declared).toMatch(/^\d+$/);
    await remember(box, { services: undefined });
    expect(await declare(tools, () => credentials, proxy, "host", defaultInputs(proxy))).toEqual(first);
    const own = community.site.state.services.filter(({ title }) => title === `prx${device.id}`);
    expect(own).toEqual([expect.objectContaining({ type: "Proxy", id: Number(first.declared) })]);
  });

  test("does not prevent a service from running when the site does not answer", async () => {
    const { tools, box, community, credentials } = registeredBox();
    await remember(box, { node: { id: 54052, name: "x" }, device: { id: 1, name: "x-box" } });
    community.siteAnswers = "server-unreachable";
    expect(await declare(tools, () => credentials, proxy, "host", defaultInputs(proxy))).toEqual({});
    expect(community.requests.length).toBeGreaterThan(0);
  });

  test("uses the record of an earlier declaration without a request", async () => {
    const { tools, box, community, credentials } = registeredBox();
    const services = { prx70000: { id: 80001, type: "Proxy" } };
    await remember(box, { node: { id: 54052, name: "x" }, device: { id: 70000, name: "x-box" }, services });
    expect(await declare(tools, () => credentials, proxy, "host", defaultInputs(proxy))).toEqual({
      declared: "80001",
    });
    expect(community.requests).toEqual([]);
  });
});
