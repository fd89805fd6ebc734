// SPDX-License-Identifier: GPL-3.0-or-later
// The community's list of domains as BIND's files: every kind of entry, what is left out, and that no text of the site
// gets anything into a file that is not a name or an address.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Domains, parseDomains } from "../../firstboot/dns/domains.ts";
import { refreshDomains } from "../../firstboot/dns/refresh.ts";
import { zoneFiles } from "../../firstboot/dns/zones.ts";
import { failureOf } from "../failure-of.ts";
import { asBoxRequest } from "../lab/guifi-site/box-request.ts";
import { seed } from "../lab/guifi-site/seed.ts";
import { createSite } from "../lab/guifi-site/site.ts";
import { FakeBox, IMAGE } from "./helpers/fake-box.ts";

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
      'zone "bruixa.guifi.local" { type primary; file "/z/internal.bruixa.guifi.local"; notify yes; allow-transfer { any; }; };\n',
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

  test("without a name server of its own gets the address of the one that answers", async () => {
    const { files } = await written(
      '<master zone="a.local" IPv4="10.1.1.1" allow-transfer="none" contact=""/>',
    );
    expect(files.get("internal.a.local")).toMatch(
      /@ IN SOA ns1 nobody\.a\.local\.[\s\S]*\nns1 IN A 10\.1\.1\.1\n/,
    );
  });
});

test("zones of others are copied or asked for, and a zone comes once", async () => {
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
])("%s is left out", async (_what, element) => {
  const { config, files } = await written(element);
  expect([config, files.size]).toEqual(["", 0]);
});

test("nothing but names and addresses gets into a file, whatever the site says", async () => {
  const attribute = fc.string({ unit: "grapheme", maxLength: 30 });
  const escaped = (text: string) => text.replace(/[&<>"'\p{Cc}]/gu, "_");
  await fc.assert(
    fc.asyncProperty(attribute, attribute, attribute, attribute, async (...texts) => {
      const [zone, host, alias, contact] = texts.map(escaped);
      const { config, files } = await written(
        `<master zone="${zone}.local" IPv4="10.1.1.1" contact="${contact}@example.net"><host name="${host}" IPv4="10.1.1.2" CNAME="${alias}"/></master>`,
      );
      expect(config).toMatch(
        /^(zone "[a-z0-9._-]+" \{ type primary; file "\/z\/internal\.[a-z0-9._-]+"; notify yes; allow-transfer \{ none; \}; \};\n)?$/,
      );
      for (const text of files.values())
        expect(text.split("\n").slice(1).join("\n")).toMatch(/^[\w$@*.+\\ :\n-]*$/);
    }),
  );
});

describe("refreshing", () => {
  async function registered(server: number): Promise<FakeBox> {
    const box = new FakeBox();
    box.request = asBoxRequest(createSite(seed()), () => box.now());
    const services = {
      "guifi-dns": { state: "on", where: "host", published: true, inputs: { server }, facts: {} },
    };
    box.files.set("/etc/community-box/services.json", JSON.stringify({ version: 1, services }));
    box.files.set(
      "/etc/bind/community-box/named.conf",
      'include "/var/lib/bind/community-box/current/internal.conf";',
    );
    return box;
  }

  test("installs the list, does nothing when it is the same, and keeps it when there is no answer", async () => {
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

  test("a box that is not declared begins with no names of its own", async () => {
    const box = await registered(0);
    expect(await refreshDomains(box, IMAGE)).toBe("undeclared");
    const link = await box.readLink("/var/lib/bind/community-box/current");
    expect(box.files.get(`/var/lib/bind/community-box/${link}/internal.conf`)).toBe("");
  });

  test("what BIND does not take stays out, and the last list stays in", async () => {
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

test("any page makes domains or a clear failure", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => {
      const domains: Domains | Error = await parseDomains(page(text.replace(/<!/g, ""))).catch(
        (error) => error,
      );
      if (domains instanceof Error) expect(domains).toMatchObject({ code: "api-reply-invalid" });
    }),
  );
});
