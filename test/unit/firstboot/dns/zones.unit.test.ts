// SPDX-License-Identifier: GPL-3.0-or-later
// The community's list of domains as BIND's files: every kind of entry, what is left out, and that no text of the site
// gets anything into a file that is not a name or an address.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findService } from "../../../../firstboot/catalogue/catalogue.ts";
import { parseDeviceNames } from "../../../../firstboot/dns/devices.ts";
import { type Domains, parseDomains } from "../../../../firstboot/dns/domains.ts";
import { CURRENT, ZONES } from "../../../../firstboot/dns/left-out.ts";
import { refreshDomains } from "../../../../firstboot/dns/refresh.ts";
import { refusedZones, withoutRefused } from "../../../../firstboot/dns/refused.ts";
import { zoneFiles } from "../../../../firstboot/dns/zones.ts";
import { readLeftOut } from "../../../../firstboot/services/left-out.ts";
import { failureOf } from "../../../failure-of.ts";
import { asBoxRequest } from "../../../lab/guifi-site/box-request.ts";
import { seed } from "../../../lab/guifi-site/seed.ts";
import { createSite } from "../../../lab/guifi-site/site.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const page = (internal: string, external = "") =>
  `<?xml version="1.0"?>\n<cnml version="0.1"><domains network_domains="domains"><internal>${internal}</internal><external>${external}</external></domains></cnml>\n`;
const WHERE = { directory: "/z", name: "internal", serial: 7 };
const written = async (internal: string) => zoneFiles((await parseDomains(page(internal))).internal, WHERE);

describe("a zone of our own", () => {
  test("has its servers, addresses, mail, aliases and delegations", async () => {
    const { config, files } = await written(
      `<master zone="Bruixa.guifi.local" IPv4="10.1.1.1" nameserver="ns1" domain_ip="10.1.1.2" allow-transfer="any" contact="a.b@example.net">
        <host name="ns1" IPv4="10.1.1.1" NS="y"/>
        <host name="www" IPv4="10.1.1.3" IPv6="fd00::3" CNAME="web,www,far.example.net."/>
        <host name="mail" IPv4="10.1.1.4" MX="y" Priority="5"/>
        <host name="shop" CNAME="shop.example.net."/>
        <delegation name="pau.bruixa.guifi.local" IPv4="10.1.1.5" NS="ns.pau.bruixa.guifi.local"/>
      </master>`,
    );
    expect(config).toBe(
      'zone "bruixa.guifi.local" { type primary; file "/z/internal.bruixa.guifi.local"; check-names ignore; notify yes; allow-transfer { any; }; };\n' +
        'zone "10.in-addr.arpa" { type primary; file "/z/internal.10.in-addr.arpa"; check-names ignore; allow-transfer { none; }; };\n',
    );
    expect(files.get("internal.bruixa.guifi.local")?.split("\n").slice(1, -1)).toEqual([
      "$ORIGIN bruixa.guifi.local.",
      "$TTL 7200",
      "@ IN SOA ns1 a\\.b.example.net. 7 43200 7200 1209600 7200",
      "@ IN NS ns1",
      "@ IN A 10.1.1.2",
      "* IN A 10.1.1.2",
      "@ IN MX 5 mail",
      "ns1 IN A 10.1.1.1",
      "www IN A 10.1.1.3",
      "www IN AAAA fd00::3",
      "mail IN A 10.1.1.4",
      "web IN CNAME www",
      "shop IN CNAME shop.example.net.",
      "pau.bruixa.guifi.local. IN NS ns.pau.bruixa.guifi.local.",
      "ns.pau.bruixa.guifi.local. IN A 10.1.1.5",
    ]);
  });

  test.each([
    ["x@a..b", "nobody.a.local."],
    ["x@-a.b", "nobody.a.local."],
    ["x@b", "nobody.a.local."],
    ["x@a.b, y@c.d", "x.a.b."],
    [":::::", "nobody.a.local."],
  ])("with the contact %j has the mailbox %s, which BIND accepts", async (contact, mailbox) => {
    const { files } = await written(`<master zone="a.local" IPv4="10.1.1.1" contact="${contact}"/>`);
    expect(files.get("internal.a.local")).toMatch(`@ IN SOA ns1 ${mailbox} 7 `);
  });

  test("without a name server of its own has the address of the box as its name server", async () => {
    const { files } = await written(
      '<master zone="a.local" IPv4="10.1.1.1" allow-transfer="none" contact=""/>',
    );
    expect(files.get("internal.a.local")).toMatch(
      /@ IN SOA ns1 nobody\.a\.local\.[\s\S]*\nns1 IN A 10\.1\.1\.1\n/,
    );
  });
});

describe("a zone with external mail and name servers", () => {
  const recordsOf = async (attributes: string, hosts = "") =>
    (
      await written(`<master zone="a.local" IPv4="10.1.1.1" contact="x" ${attributes}>${hosts}</master>`)
    ).files
      .get("internal.a.local")
      ?.split("\n")
      .slice(4, -1);

  test("has the external mail servers, in their order, after its own", async () => {
    const mail = 'externalMX="MX1.example.net, mx2.example.net.,mx1.example.net"';
    expect(await recordsOf(mail)).toEqual([
      "@ IN NS ns1",
      "@ IN MX 10 mx1.example.net.",
      "@ IN MX 20 mx2.example.net.",
      "ns1 IN A 10.1.1.1",
    ]);
    const own = '<host name="mail" IPv4="10.1.1.4" MX="y" Priority="25"/>';
    expect(await recordsOf(mail, own)).toEqual(
      expect.arrayContaining([
        "@ IN MX 25 mail",
        "@ IN MX 35 mx1.example.net.",
        "@ IN MX 45 mx2.example.net.",
      ]),
    );
  });

  test("has external name servers, and an IPv6 address for itself and every other name", async () => {
    expect(
      await recordsOf('externalNS="ns.example.net" domain_ip="10.1.1.2" domain_ip_v6="FD00::2"'),
    ).toEqual([
      "@ IN NS ns1",
      "@ IN NS ns.example.net.",
      "@ IN A 10.1.1.2",
      "* IN A 10.1.1.2",
      "@ IN AAAA fd00::2",
      "* IN AAAA fd00::2",
      "ns1 IN A 10.1.1.1",
    ]);
  });

  test("leaves out what is neither a name nor an address", async () => {
    expect(await recordsOf('externalMX="mail,a b;c.d" externalNS="x" domain_ip_v6="fd00:::2"')).toEqual([
      "@ IN NS ns1",
      "ns1 IN A 10.1.1.1",
    ]);
  });
});

describe("reverse zones", () => {
  const hosts = `<master zone="a.local" IPv4="10.1.1.1" contact="x"><host name="@" IPv4="10.1.1.2"/>
    <host name="BCN_roof" IPv4="172.16.5.6"/><host name="out" IPv4="192.0.2.1"/></master>`;

  test("name the hosts of our zones and the devices of the map once each, in 10/8 and 172.16/12", async () => {
    const { internal } = await parseDomains(page(hosts));
    const devices = [
      { ipv4: "10.1.1.2", name: "other.ip.guifi.net" },
      { ipv4: "10.7.8.9", name: "roof--5.ip.guifi.net" },
      { ipv4: "172.32.1.1", name: "public--6.ip.guifi.net" },
    ];
    const { config, files } = zoneFiles(internal, { ...WHERE, devices });
    expect(config.match(/zone "\S+in-addr\.arpa"/g)).toEqual([
      'zone "10.in-addr.arpa"',
      'zone "16.172.in-addr.arpa"',
    ]);
    expect(files.get("internal.10.in-addr.arpa")?.split("\n").slice(1, -1)).toEqual([
      "$ORIGIN 10.in-addr.arpa.",
      "$TTL 7200",
      "@ IN SOA ns1.a.local. nobody.ns1.a.local. 7 43200 7200 1209600 7200",
      "@ IN NS ns1.a.local.",
      "2.1.1.10.in-addr.arpa. IN PTR a.local.",
      "9.8.7.10.in-addr.arpa. IN PTR roof--5.ip.guifi.net.",
    ]);
    expect(files.get("internal.16.172.in-addr.arpa")).toMatch(
      /\n6\.5\.16\.172\.in-addr\.arpa\. IN PTR bcn_roof\.a\.local\.\n$/,
    );
  });

  test("are not made for the external view, nor where the list has such a zone already", async () => {
    const { internal } = await parseDomains(
      page(`${hosts}<slave zone="10.in-addr.arpa" master="10.2.2.2"/>`),
    );
    expect([...zoneFiles(internal, WHERE).files.keys()]).toEqual([
      "internal.a.local",
      "internal.16.172.in-addr.arpa",
    ]);
    expect([...zoneFiles(internal, { ...WHERE, name: "external" }).files.keys()]).toEqual([
      "external.a.local",
    ]);
  });

  test("cover every address of a real zone's devices, with names that a zone may have", async () => {
    const text = readFileSync(
      new URL("../../../lab/guifi-site/data/zone-54284.cnml", import.meta.url),
      "utf8",
    );
    const named = await parseDeviceNames(text, "guifi.net");
    expect(named).toContainEqual({ ipv4: "10.69.14.35", name: "andaiztondo6rd1--74176.ip.guifi.net" });
    expect(new Set(named.map(({ ipv4 }) => ipv4)).size).toBe(named.length);
    expect(named.length).toBeGreaterThan(60);
    for (const { name } of named) expect(name).toMatch(/^[a-z0-9][a-z0-9-]*\.ip\.guifi\.net$/);
  });
});

describe("what BIND refuses", () => {
  const files = new Map([
    ["/z/internal.conf", 'zone "a.local" { };\nzone "b.local" { };\n'],
    [
      "/z/internal.a.local",
      "; c\n$ORIGIN a.local.\n$TTL 7200\n@ IN SOA ns1 x 7\n@ IN NS ns1\n@ IN NS ns9\nx IN CNAME y\n",
    ],
    ["/z/internal.b.local", "; c\n$ORIGIN b.local.\n$TTL 7200\n@ IN SOA ns1 x 7\n"],
  ]);
  // As named-checkconf 9.20 prints it.
  test.each([
    [
      "a line",
      "dns_master_load: /z/internal.a.local:7: x.a.local: CNAME and other data\nzone a.local/IN: not loaded due to errors.\ninternal/a.local/IN: CNAME and other data",
      "/z/internal.a.local",
      ["x IN CNAME y"],
    ],
    [
      "a name server without an address",
      "zone a.local/IN: NS 'ns9.a.local' has no address records (A or AAAA)\ninternal/a.local/IN: bad zone",
      "/z/internal.a.local",
      ["@ IN NS ns9"],
    ],
    [
      "a zone for a reason that names no line",
      "zone b.local/IN: has no NS records\ninternal/b.local/IN: bad zone",
      "/z/internal.conf",
      ['zone "b.local" { };'],
    ],
  ])("%s is the only thing left out", (_what, said, path, left) => {
    const without = withoutRefused(files, said, "/z");
    expect([...without.keys()]).toEqual([path]);
    expect(without.get(path)?.left).toEqual(left);
    const [before = [], after = []] = [files.get(path), without.get(path)?.content].map((text) =>
      text?.split("\n"),
    );
    expect(after).toHaveLength(before.length);
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringMatching(/^(;|\/\/) left out$/),
    ]);
  });

  test("a zone refused without a line number stays in the list where its last good version exists", () => {
    const said = "zone b.local/IN: has no NS records\ninternal/b.local/IN: bad zone";
    expect(refusedZones(files, said, "/z")).toEqual(["internal.b.local"]);
    expect(withoutRefused(files, said, "/z", new Set(["internal.b.local"])).size).toBe(0);
  });

  test("neither a refusal of a file outside our zones nor one of a line already left out leaves anything out", () => {
    const said = "/etc/bind/named.conf.int.private:1: unknown option 'x'\n/z/internal.a.local:1: odd";
    expect(withoutRefused(files, said, "/z").size).toBe(0);
  });
});

describe("a wrong entry of the list", () => {
  const long = Array.from({ length: 3 }, () => "a".repeat(60)).join(".");
  test.each([
    ['<host name="w" IPv6=":::::"/>', 'host w: IPv6 ":::::" is no IPv6 address'],
    ['<host name="w" IPv6="fd00::1%eth0"/>', 'host w: IPv6 "fd00::1%eth0" is no IPv6 address'],
    ['<host name="w" IPv4="10.1.1.256"/>', 'host w: IPv4 "10.1.1.256" is no IPv4 address'],
    ['<host name="w" IPv4="010.1.1.2"/>', 'host w: IPv4 "010.1.1.2" is no IPv4 address'],
    ['<host name="a b" IPv4="10.1.1.2"/>', 'host "a b" is no name'],
    [`<host name="${"a".repeat(64)}"/>`, `host "${"a".repeat(60)}..." is no name`],
    [
      `<host name="${long}" IPv4="10.1.1.2"/>`,
      `host "${long.slice(0, 60)}..." is too long`,
      `${"b".repeat(60)}.${"b".repeat(20)}`,
    ],
    ['<host name="w" CNAME="x,a;b,c..d."/>', 'host w: CNAME "a;b" is no name'],
    ['<host name="w" MX="y" Priority="many"/>', 'host w: Priority "many" is no number from 0 to 65535'],
    ['<delegation name="b" NS="ns.b.net"/>', 'delegation "b": name "b" is no whole name'],
  ])("%s is left out and reported, and the rest of its zone stays", async (element, fault, label = "a") => {
    const zone = `${label}.local`;
    const { internal, left } = await parseDomains(
      page(
        `<master zone="${zone}" IPv4="10.1.1.1"><host name="ok" IPv4="10.1.1.9"/>${element}</master>
         <master zone="other.local" IPv4="10.1.1.1"><host name="ok" IPv4="10.1.1.8"/></master>`,
      ),
    );
    expect(left.map((each) => each.slice(`internal zone ${zone}`.length + 2))).toContain(fault);
    const { files } = zoneFiles(internal, WHERE);
    expect(files.get(`internal.${zone}`)).toContain("\nok IN A 10.1.1.9\n");
    expect(files.get("internal.other.local")).toContain("\nok IN A 10.1.1.8\n");
  });

  test("of the zone itself is reported: its address, contact, servers or name", async () => {
    const { left } = await parseDomains(
      page(
        '<master zone="a.local" IPv4="x" contact="x@a..b" domain_ip_v6=":::::" externalMX="a b" nameserver="-"/>' +
          '<master zone="local"/><slave zone="b.local" master="any"/>',
      ),
    );
    expect([...left].sort()).toEqual([
      'internal zone "local": this is no whole name',
      'internal zone a.local: IPv4 "x" is no IPv4 address',
      'internal zone a.local: contact "x@a..b" is no e-mail address',
      'internal zone a.local: domain_ip_v6 ":::::" is no IPv6 address',
      'internal zone a.local: externalMX "a" is no whole name',
      'internal zone a.local: externalMX "b" is no whole name',
      'internal zone a.local: nameserver "-" is no name of one part',
      "internal zone b.local: it names no server",
      'internal zone b.local: master "any" is no IPv4 address',
    ]);
  });

  test("is reported neither for empty attributes nor for the list of a real server", async () => {
    const empty = await parseDomains(
      page(
        '<master zone="a.local" IPv4="" contact="" externalMX=""><host name="w" IPv6="" CNAME=""/></master>',
      ),
    );
    expect(empty.left).toEqual([]);
  });

  test("never makes a name of a zone longer than 255 bytes, or a label longer than 63", async () => {
    const part = fc.integer({ min: 1, max: 70 }).map((size) => "a".repeat(size));
    const name = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("."));
    await fc.assert(
      fc.asyncProperty(name, name, name, name, async (zone, host, alias, server) => {
        const { files } = await written(
          `<master zone="${zone}.local" IPv4="10.1.1.1" nameserver="${server}" contact="a@${server}.net"><host name="${host}" IPv4="10.1.1.2" CNAME="${alias}"/></master>`,
        );
        for (const text of files.values()) {
          const [, origin = ""] = /^\$ORIGIN (\S+)$/m.exec(text) ?? [];
          for (const [owner = "", , type = "", value = ""] of text
            .split("\n")
            .slice(3)
            .map((line) => line.split(" "))) {
            if (owner === "") continue;
            const names = [owner, ...(["CNAME", "NS", "PTR"].includes(type) ? [value] : [])];
            for (const each of names.map((one) =>
              one === "@" ? origin : one.endsWith(".") ? one : `${one}.${origin}`,
            )) {
              expect(each.length, each).toBeLessThanOrEqual(254);
              for (const label of each.split(".")) expect(label.length, each).toBeLessThanOrEqual(63);
            }
          }
        }
      }),
    );
  });
});

test("secondary and forward zones are configured, and each zone once", async () => {
  const { config } = await written(
    `<slave zone="b.local" master="10.2.2.2"/><forward zone="c.local" forwarder="10.3.3.3,10.3.3.4"/><forward zone="b.local" forwarder="10.9.9.9"/>`,
  );
  expect(config.split("\n")).toEqual([
    'validate-except { "c.local"; };',
    'zone "b.local" { type secondary; file "/var/cache/bind/internal.b.local"; primaries { 10.2.2.2; }; };',
    'zone "c.local" { type forward; forward first; forwarders { 10.3.3.3; 10.3.3.4; }; };',
    "",
  ]);
});

test.each([
  ["a whole top-level domain", '<master zone="local" IPv4="10.1.1.1"/>'],
  ["a name with a quote", `<master zone='a".local' IPv4="10.1.1.1"/>`],
  ["a way out of the directory", '<master zone="../../etc.local" IPv4="10.1.1.1"/>'],
  ["a server that is none", '<slave zone="a.local" master="any; }; include &quot;/etc/shadow"/>'],
])("a zone is left out for %s", async (_what, element) => {
  const { config, files } = await written(element);
  expect([config, files.size]).toEqual(["", 0]);
});

test("zone files contain nothing but names and addresses, whatever the site says", async () => {
  const attribute = fc.string({ unit: "grapheme", maxLength: 30 });
  const escaped = (text: string) => text.replace(/[&<>"'\p{Cc}]/gu, "_");
  await fc.assert(
    fc.asyncProperty(attribute, attribute, attribute, attribute, async (...texts) => {
      const [zone, host, alias, contact] = texts.map(escaped);
      const { config, files } = await written(
        `<master zone="${zone}.local" IPv4="10.1.1.1" contact="${contact}@example.net"><host name="${host}" IPv4="10.1.1.2" CNAME="${alias}"/></master>`,
      );
      expect(config).toMatch(
        /^(zone "[a-z0-9._-]+" \{ type primary; file "\/z\/internal\.[a-z0-9._-]+"; check-names ignore; (notify yes; )?allow-transfer \{ none; \}; \};\n)*$/,
      );
      for (const text of files.values())
        expect(text.split("\n").slice(1).join("\n")).toMatch(/^[\w$@*.+\\ :\n-]*$/);
    }),
  );
});

describe("refreshing the zones", () => {
  async function registered(server: number, more: object = {}): Promise<FakeBox> {
    const box = new FakeBox();
    box.request = asBoxRequest(createSite(seed()), () => box.now());
    const services = {
      "guifi-dns": { state: "on", where: "host", published: true, inputs: { server, ...more }, facts: {} },
    };
    box.files.set("/etc/community-box/services.json", JSON.stringify({ version: 1, services }));
    box.files.set(
      "/etc/bind/community-box/named.conf",
      'include "/var/lib/bind/community-box/current/internal.conf";',
    );
    return box;
  }

  test("installs the list, does nothing when it is unchanged, and keeps it when the site does not answer", async () => {
    const box = await registered(54_621);
    expect(await refreshDomains(box, IMAGE)).toBe("changed");
    const link = await box.readLink("/var/lib/bind/community-box/current");
    const zone = box.files.get(`/var/lib/bind/community-box/${link}/internal.andoain.guifi.local`);
    expect(zone).toContain("ns1 IN A 10.69.12.18");
    expect(await refreshDomains(box, IMAGE)).toBe("unchanged");
    box.request = async () => ({ status: 502, body: Buffer.from("") });
    const said: string[] = [];
    expect(await refreshDomains(box, IMAGE, (line) => said.push(line))).toBe("kept");
    expect(said.join()).toContain("the last one stays");
    expect(await box.readLink("/var/lib/bind/community-box/current")).toBe(link);
  });

  test("names the devices of the zone in the graphs when the box has no zone of its own", async () => {
    const box = await registered(54_621);
    const file = "/etc/community-box/services.json";
    const { services } = JSON.parse(box.files.get(file)!);
    const on = { state: "on", where: "host", published: true, facts: {} };
    // "zone" of the figures is whether the neighbours may see them.
    services.monitoring = { ...on, inputs: { zone: true } };
    services["guifi-graphs"] = { ...on, inputs: { zone: "54284" } };
    box.files.set(file, JSON.stringify({ version: 1, services }));
    await refreshDomains(box, IMAGE);
    const link = await box.readLink(CURRENT);
    expect(box.files.get(`${ZONES}/${link}/internal.10.in-addr.arpa`)).toContain("35.14.69.10.in-addr.arpa.");
  });

  test("names the devices of a zone by their addresses, and keeps the last list without an answer", async () => {
    const box = await registered(54_621, { zone: "54284" });
    await refreshDomains(box, IMAGE);
    const reverse = async () => {
      const link = await box.readLink("/var/lib/bind/community-box/current");
      return box.files.get(`/var/lib/bind/community-box/${link}/internal.10.in-addr.arpa`);
    };
    expect(await reverse()).toContain(
      "35.14.69.10.in-addr.arpa. IN PTR andaiztondo6rd1--74176.ip.guifi.net.",
    );
    const request = box.request.bind(box);
    box.request = async (asked) =>
      asked.url.endsWith("/detail") ? { status: 502, body: Buffer.from("") } : request(asked);
    const said: string[] = [];
    expect(await refreshDomains(box, IMAGE, (line) => said.push(line))).toBe("unchanged");
    expect(said.join()).toMatch(
      /devices of the zone 54284 could not be fetched \(api-unavailable\); the last ones stay/,
    );
    expect(await reverse()).toContain("andaiztondo6rd1");
  });

  test("leaves out and reports a line that BIND refuses, and installs the rest", async () => {
    const box = await registered(54_621);
    const run = box.run.bind(box);
    let looks = 0;
    box.run = async (command, args, options) => {
      if (command !== "named-checkconf" || looks++ > 0) return run(command, args, options);
      const path = args.at(-1)?.replace("named.conf", "internal.andoain.guifi.local");
      const lines = (await box.readFile(path ?? ""))?.split("\n") ?? [];
      const number = lines.findIndex((line) => line.startsWith("@ IN MX")) + 1;
      return { code: 1, stdout: `dns_master_load: ${path}:${number}: simulated\n`, stderr: "" };
    };
    const said: string[] = [];
    expect(await refreshDomains(box, IMAGE, (line) => said.push(line))).toBe("changed");
    expect(said).toContain(
      "left out: internal.andoain.guifi.local, BIND refuses it: @ IN MX 10 mx1.example.net.",
    );
    const link = await box.readLink("/var/lib/bind/community-box/current");
    const zone = box.files.get(`/var/lib/bind/community-box/${link}/internal.andoain.guifi.local`);
    expect(zone).toContain("\n; left out\n");
    expect(zone).toContain("\nns1 IN A 10.69.12.18\n");
  });

  test("keeps the last good version of a zone that BIND refuses, and updates the others", async () => {
    const box = await registered(54_621);
    let address = "10.1.1.1";
    box.request = async () => ({
      status: 200,
      headers: {},
      body: Buffer.from(
        page(
          ["bad", "good"]
            .map(
              (name) =>
                `<master zone="${name}.local" IPv4="${address}"><host name="w" IPv4="${address}" IPv6=":::::"/></master>`,
            )
            .join(""),
        ),
      ),
    });
    await refreshDomains(box, IMAGE);
    const zone = async (name: string) => {
      const link = await box.readLink("/var/lib/bind/community-box/current");
      return box.files.get(`/var/lib/bind/community-box/${link}/internal.${name}`) ?? "";
    };
    address = "10.1.1.2";
    box.sleep(10_000);
    const run = box.run.bind(box);
    box.run = async (command, args, options) => {
      const path = args.at(-1)?.replace("named.conf", "internal.bad.local") ?? "";
      const isNew = command === "named-checkconf" && (await box.readFile(path))?.includes("10.1.1.2");
      if (!isNew) return run(command, args, options);
      const stdout = "zone bad.local/IN: has no NS records\ninternal/bad.local/IN: bad zone\n";
      return { code: 1, stdout, stderr: "" };
    };
    const said: string[] = [];
    expect(await refreshDomains(box, IMAGE, (line) => said.push(line))).toBe("changed");
    expect(await zone("bad.local")).toContain("\nw IN A 10.1.1.1\n");
    expect(await zone("good.local")).toContain("\nw IN A 10.1.1.2\n");
    expect(await zone("conf")).toContain('zone "bad.local"');
    const left = [
      'internal zone bad.local, host w: IPv6 ":::::" is no IPv6 address',
      'internal zone good.local, host w: IPv6 ":::::" is no IPv6 address',
      "internal.bad.local: BIND refuses what the list has of it; the last good one stays",
    ];
    expect(said).toEqual([...left.map((each) => `left out: ${each}`), "the list of domains has changed"]);
    expect(
      await readLeftOut(
        {
          readFile: async (path) =>
            box.files.get(path.replace("current", (await box.readLink(`${ZONES}/current`)) ?? "")),
        },
        findService("guifi-dns")!,
      ),
    ).toEqual(left);
  });

  test("begins with empty zone files on a box that is not declared", async () => {
    const box = await registered(0);
    expect(await refreshDomains(box, IMAGE)).toBe("undeclared");
    const link = await box.readLink("/var/lib/bind/community-box/current");
    expect(box.files.get(`/var/lib/bind/community-box/${link}/internal.conf`)).toBe("");
  });

  test("keeps the last list when BIND refuses the new one, and fails", async () => {
    const box = await registered(54_621);
    const run = box.run.bind(box);
    box.run = async (command, args, options) =>
      command === "named-checkconf"
        ? { code: 1, stdout: "/etc/bind/named.conf.int.private:1: unknown option 'x'\n", stderr: "" }
        : run(command, args, options);
    const failure = await failureOf(() => refreshDomains(box, IMAGE));
    expect(failure).toMatchObject({
      code: "dns-refused",
      found: "/etc/bind/named.conf.int.private:1: unknown option 'x'",
    });
    expect(await box.readLink("/var/lib/bind/community-box/current")).toBeUndefined();
  });
});

test("parseDomains returns domains or a clear failure for any page", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      const domains: Domains | Error = await parseDomains(page(text.replace(/<!/g, ""))).catch(
        (error) => error,
      );
      if (domains instanceof Error) expect(domains).toMatchObject({ code: "api-reply-invalid" });
    }),
  );
});
