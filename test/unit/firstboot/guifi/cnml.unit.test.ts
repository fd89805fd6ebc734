// SPDX-License-Identifier: GPL-3.0-or-later
// Pages of nodes: a real one, those of the stand-in, and whatever else somebody may send in their place.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import { addressOf, parseMac, parseNode, readNode } from "../../../../firstboot/guifi/cnml.ts";
import { givers } from "../../../../firstboot/guifi/registration.ts";
import { failureOf } from "../../../failure-of.ts";
import { NODES, UPLINK } from "../../../lab/guifi-site/seed.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const real = readFileSync(new URL("../../../lab/guifi-site/data/node-56604.cnml", import.meta.url), "utf8");
const page = (inner: string) => `<?xml version="1.0" encoding="utf-8"?>\n<cnml version="0.1">${inner}</cnml>`;

const escapeXml = (text: string) =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&apos;");

async function fetched(id: number, body?: string, status = 200) {
  const box = new FakeBox();
  const community = new SimulatedCommunity();
  if (body !== undefined) community.siteAnswers = () => ({ status, body: Buffer.from(body) });
  box.servers = community;
  return readNode(box, IMAGE, id);
}

describe("a CNML page", () => {
  test("of a real node is read", async () => {
    const node = (await parseNode(real))!;
    expect([node.id, node.devices.length]).toEqual([56604, (real.match(/<device\b/g) ?? []).length]);
    expect(node.title).toBe(/<node[^>]* title="([^"]+)"/.exec(real)?.[1]);
    const addresses = [...real.matchAll(/<interface[^>]* ipv4="([\d.]+)"/g)].map(([, address]) => address);
    const found = node.devices.flatMap(({ interfaces }) => interfaces).flatMap(({ ipv4 }) => ipv4 ?? []);
    // Those of radios come after those of the device itself.
    expect(found.sort()).toEqual(addresses.sort());
    expect(addresses.length).toBeGreaterThan(2);
  });

  test("gives interfaces below radios, too, and services", async () => {
    const node = await parseNode(
      page(`<node id="7" title="A"><device id="1" title="d" type="cloudy">  notes [52:54:00:12:34:56]
        <radio id="0"><interface type="Wan" mac="aa-bb-cc-dd-ee-ff" ipv4="10.1.2.3" mask="255.0.0.0"/></radio>
        <interface mac="00:00:00:00:00:00"><link linked_device_id="9"/></interface>
        <service id="5" title="prx1" type="Proxy"/></device></node>`),
    );
    expect(node).toEqual({
      id: 7,
      title: "A",
      devices: [
        {
          id: 1,
          title: "d",
          type: "cloudy",
          comment: "notes [52:54:00:12:34:56]",
          interfaces: [
            { isRadio: false, linked: [9] },
            { mac: "AA:BB:CC:DD:EE:FF", ipv4: "10.1.2.3", mask: "255.0.0.0", isRadio: true, linked: [] },
          ],
          services: [{ id: 5, title: "prx1", type: "Proxy" }],
        },
      ],
    });
    expect(addressOf(node!.devices[0]!)?.ipv4).toBe("10.1.2.3");
  });

  test("gives a device's wired address before a wireless one, in any order", async () => {
    const device = (await parseNode(
      page(`<node id="7"><device id="1"><interface type="wLan" ipv4="10.1.1.1"/>
        <interface type="wLan/Lan" ipv4="10.1.1.2"/></device></node>`),
    ))!.devices[0]!;
    expect(addressOf(device)?.ipv4).toBe("10.1.1.2");
  });

  test("is read without what is not a number, address or MAC", async () => {
    const node = await parseNode(
      page(
        `<node id="7"><device id="x"/><device id="2"><interface ipv4="10.1.2.300" mac="zz"/></device></node>`,
      ),
    );
    expect(node).toMatchObject({ title: "", devices: [{ id: 2, interfaces: [{ linked: [] }] }] });
  });

  test.each([
    ["Ca l'Anna &amp; &quot;co&quot; &lt;&#xF1;&gt;", `Ca l'Anna & "co" <ñ>`],
    ["L&apos;Hospitalet &#8211; n&#250;m. 7", "L'Hospitalet – núm. 7"],
    // Once, however it goes on.
    ["&amp;lt;&amp;#65;", "&lt;&#65;"],
    // Those of HTML and of a document type are none of XML's, nor are half characters.
    ["caf&eacute; &own; &#xD800; &#0; &#1114112; &AMP;", "caf&eacute; &own; &#xD800; &#0; &#1114112; &AMP;"],
  ])("is read with references in its texts: %s", async (written, meant) => {
    const node = await parseNode(
      page(`<node id="7" title="${written}"><device id="1" title="${written}">${written}</device></node>`),
    );
    expect(node).toMatchObject({ title: meant, devices: [{ title: meant, comment: meant }] });
  });

  test("is read with a CDATA section, verbatim", async () => {
    const node = await parseNode(page('<node id="7"><device id="1"><![CDATA[a &amp; b]]></device></node>'));
    expect(node?.devices[0]?.comment).toBe("a &amp; b");
  });

  test("gives any title that is escaped as XML", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 30 }), fc.boolean(), async (text, byNumber) => {
        const meant = text.replace(/[^\x20-\x7e]/g, "").trim();
        const written = byNumber
          ? [...meant].map((sign) => `&#${sign.charCodeAt(0)};`).join("")
          : escapeXml(meant);
        const node = await parseNode(page(`<node id="7" title="${written}"/>`));
        // Blanks are told as one.
        expect(node?.title).toBe(meant.replace(/ +/g, " "));
      }),
    );
  });

  test("is fetched from the stand-in by HTTP, and does not exist for an unknown node", async () => {
    const own = (await fetched(NODES.own))!;
    expect(own.title).toBe("BCNCanBruixa20");
    expect(givers(own).map((device) => [device.id, addressOf(device)?.ipv4])).toEqual([
      [UPLINK.device, UPLINK.address],
    ]);
    expect(await fetched(999999)).toBeUndefined();
    expect(await fetched(1, page('<node id="2" title="B"/>'))).toBeUndefined();
  });
});

describe("a reply instead of a CNML page", () => {
  const whole = "not a whole CNML page";
  test.each([
    ["nothing", "", whole],
    ["a web page", "<!DOCTYPE html><html><body>Moved</body></html>", whole],
    ["a page that was cut off", real.slice(0, 2000), whole],
    ["another document", '<?xml version="1.0"?><rss></cnml>', "damaged XML"],
    ["a document inside another", '<?xml version="1.0"?><rss><cnml></cnml></rss>\n</cnml>', "damaged XML"],
    [
      "entities",
      page('<node id="1"/>').replace("<cnml", '<!DOCTYPE x [<!ENTITY a "b">]><cnml'),
      "a document type, which CNML has none of",
    ],
    ["tags that do not match", page('<node id="1"><device></node>'), "damaged XML"],
    ["names of JavaScript's own", page('<__proto__ id="1"/>'), "damaged XML"],
    ["depth without end", page("<a>".repeat(5000) + "</a>".repeat(5000)), "damaged XML"],
  ])("fails when it is %s", async (_what, text, found) => {
    expect(await failureOf(() => fetched(1, text))).toMatchObject({ code: "api-reply-invalid", found });
  });

  test("fails when it is an error of the web server", async () => {
    expect(await failureOf(() => fetched(1, "<html>", 503))).toMatchObject({
      code: "api-unavailable",
      found: "HTTP status 503",
    });
  });

  test("fails when it is many megabytes long", async () => {
    const box = new FakeBox();
    const wanted: number[] = [];
    box.request = async ({ maxBytes = 0 }) => {
      wanted.push(maxBytes);
      throw new Failure({ code: "reply-too-large", what: "Too large.", found: "more than 4096 KiB" });
    };
    expect(await failureOf(() => readNode(box, IMAGE, 1))).toMatchObject({ code: "api-reply-invalid" });
    expect(wanted).toEqual([4 * 1024 * 1024]);
  });

  test("gives a page, nothing, or a Failure, and changes no other object", async () => {
    const word = fc.constantFrom(
      ...[
        "<node",
        "<device",
        "<interface",
        "<link",
        "<service",
        "<radio",
        ">",
        "/>",
        "</node>",
        "</device>",
        "<![CDATA[",
      ],
      ...[
        ' id="1"',
        ' title="t"',
        ' mac="x"',
        ' ipv4="10.1.2.3"',
        ' __proto__="1"',
        "<__proto__>",
        "<constructor>",
      ],
      ...["&lt;", "&a;", "<?x", "<!--", "-->", "]]>", " ", "text", "\0", "\ud800"],
    );
    const noise = fc.oneof(
      fc.array(word, { maxLength: 30 }).map((words) => page(words.join(""))),
      fc.array(word, { maxLength: 30 }).map((words) => page(`<node id="1">${words.join("")}</node>`)),
      fc.string().map(page),
      fc.integer({ min: 0, max: real.length }).map((at) => `${real.slice(0, at)}</cnml>`),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (text) => {
        try {
          const node = await parseNode(text);
          expect(node === undefined || Number.isInteger(node.id)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test("a MAC address is read in many notations", () => {
  for (const text of [
    "52:54:00:ab:cd:ef",
    "52-54-00-AB-CD-EF",
    "5254.00ab.cdef",
    "525400abcdef",
    "52 54 00 ab cd ef",
  ]) {
    expect(parseMac(text)).toBe("52:54:00:AB:CD:EF");
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseMac(text) ?? "00:00:00:00:00:00").toMatch(/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/);
    }),
  );
});
