// SPDX-License-Identifier: GPL-3.0-or-later
// The community's map as a list of devices to ask: whose graph server they have, what is left out, and that no text of
// the site gets anything into a file that is not a number, an address or a name.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../../common/ipv4.ts";
import { parseDevices } from "../../../../firstboot/graphs/devices.ts";
import { collectdConfig, deviceTable } from "../../../../firstboot/graphs/files.ts";
import { refreshGraphs } from "../../../../firstboot/graphs/refresh.ts";
import { failureOf } from "../../../failure-of.ts";
import { asBoxRequest } from "../../../lab/guifi-site/box-request.ts";
import { seed } from "../../../lab/guifi-site/seed.ts";
import { createSite } from "../../../lab/guifi-site/site.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const ranges = [parseCidr("10.0.0.0/8")!];
const page = (zones: string) =>
  `<?xml version="1.0"?>\n<cnml version="0.1"><network>${zones}</network></cnml>\n`;
const device = (id: number, rest = "", inside = "") =>
  `<device id="${id}" title="D${id}" mainipv4="10.1.1.${id}" status="Working" ${rest}>${inside}</device>`;
const idsOf = async (text: string, server?: string) =>
  (await parseDevices(text, { ranges, ...(server ? { server } : {}) })).map(({ id }) => id);

describe("the device list of a real zone", () => {
  const text = readFileSync(new URL("../../../lab/guifi-site/data/zone-54284.cnml", import.meta.url), "utf8");

  test("has the working devices with their interfaces and links", async () => {
    const devices = await parseDevices(text, { ranges });
    expect(devices.length).toBeGreaterThan(35);
    expect(devices.find(({ id }) => id === 74_176)).toMatchObject({
      ...{ title: "ANDAiztondo6Rd1", ipv4: "10.69.14.35", interfaces: ["ath0"], isModern: false },
    });
    expect(devices.find(({ id }) => id === 81_262)).toMatchObject({ interfaces: ["wlan1"], isModern: true });
    expect(devices.flatMap(({ linked }) => linked).length).toBeGreaterThan(20);
  });

  test("has only the devices of the given graph server", async () => {
    expect(await idsOf(text, "54624")).toEqual(await idsOf(text));
    expect(await idsOf(text, "55388")).toEqual([]);
  });
});

test("the nearest graph server named by device, node or zone counts, and 0 means none", async () => {
  const text = page(
    `<zone id="1" graph_server="5"><zone id="2"><node id="3" title="n">${device(1)}${device(2, 'graph_server="6"')}</node>` +
      `<node id="4" title="n" graph_server="6">${device(3)}${device(4, 'graph_server="0"')}${device(5, 'graph_server="5"')}</node></zone></zone>`,
  );
  expect(await idsOf(text, "5")).toEqual([1, 5]);
  expect(await idsOf(text, "6")).toEqual([2, 3, 4]);
  expect(await idsOf(text)).toEqual([1, 2, 3, 4, 5]);
});

test.each([
  ["one that is planned", device(1).replace("Working", "Planned")],
  ["one without an address", device(1).replace("10.1.1.1", "")],
  ["a machine on the Internet", device(1).replace("10.1.1.1", "192.0.2.1")],
  ["one without a number", device(1).replace('id="1"', 'id="x"')],
  ["the same one again", device(2) + device(2).replace("D2", "again")],
])("the device list omits %s", async (_what, devices) => {
  const text = page(`<zone id="1"><node id="3" title="n">${devices}</node></zone>`);
  expect(await idsOf(text)).toEqual(devices.includes("again") ? [2] : []);
});

test("the device table says how to query: SNMP 1 for old firmware, an interface by name or by number", async () => {
  const radio = '<radio snmp_name="wlan1"><interface><link linked_device_id="9"/></interface></radio>';
  const text = page(
    `<zone id="1"><node id="3" title="Can Bruixa">${device(1, 'firmware="RouterOSv6.x"', radio)}${device(2, 'snmp_index="4"')}</node></zone>`,
  );
  const devices = await parseDevices(text, { ranges });
  expect(deviceTable(devices).split("\n")).toEqual([
    "1\t3\tCan Bruixa\tD1\t10.1.1.1\twlan1\t9",
    "2\t3\tCan Bruixa\tD2\t10.1.1.2\tindex-4\t-",
    "",
  ]);
  const config = collectdConfig(devices);
  expect(config).toContain('Host "10.1.1.2"');
  expect(config).toMatch(
    /<Host "1">\n\t\tAddress "udp:10\.1\.1\.1:161"\n\t\tVersion 2\n.*\n\t\tCollect "traffic64"\n/,
  );
  expect(config).toMatch(/<Host "2">[\s\S]*Version 1[\s\S]*Collect "traffic32"\n/);
});

test.each([
  ["wlan1:ap", "wlan1:ap"],
  ["bridge,1", "bridge,1"],
  ["ether1 up/link", "ether1 up_link"],
  ["(ap) #2", "(ap) #2"],
  ["ràdio", "-"],
])("an interface called %s is written as collectd names it: %s", async (name, written) => {
  const text = page(
    `<zone id="1"><node id="3" title="n">${device(1, "", `<radio snmp_name="${name}"/>`)}</node></zone>`,
  );
  expect(deviceTable(await parseDevices(text, { ranges })).split("\t")[5]).toBe(written);
});

test("the device table contains nothing but names, numbers and addresses, whatever the site says", async () => {
  const attribute = fc.string({ unit: "grapheme", maxLength: 30 });
  const escaped = (text: string) => text.replace(/[&<>"'\p{Cc}]/gu, "_");
  await fc.assert(
    fc.asyncProperty(attribute, attribute, attribute, async (...texts) => {
      const [title, name, address] = texts.map(escaped);
      const inside = `<radio snmp_name="${name}" snmp_index="${name}"/>`;
      const text = page(
        `<zone id="1"><node id="3" title="${title}">${device(1, "", inside).replace("D1", title ?? "")}` +
          `${device(2).replace("10.1.1.2", address ?? "")}</node></zone>`,
      );
      const devices = await parseDevices(text, { ranges });
      expect(deviceTable(devices)).toMatch(
        /^(\d+\t\d+\t[^\t\n<>&"'\\:]+\t[^\t\n<>&"'\\:]+\t[\d.]+\t[ -.0-~]+\t-\n)+$/,
      );
      expect(collectdConfig(devices).split("\n").slice(1).join("\n")).toMatch(/^[\w\s<>/".:-]*$/);
    }),
  );
});

describe("refreshing the device list", () => {
  function boxWith(inputs: object): FakeBox {
    const box = new FakeBox();
    box.request = asBoxRequest(createSite(seed()), () => box.now());
    const services = { "guifi-graphs": { state: "on", where: "host", published: true, inputs, facts: {} } };
    box.files.set("/etc/community-box/services.json", JSON.stringify({ version: 1, services }));
    return box;
  }
  const table = (box: FakeBox) => box.files.get("/var/lib/cbox-graphs/devices.tsv");

  test("notifies the graph server, does nothing without a change, and keeps the list without an answer", async () => {
    const box = boxWith({ zone: "54284" });
    expect(await refreshGraphs(box, IMAGE)).toBe("changed");
    expect(table(box)).toContain("74176\t76951\tANDAiztondo6\t");
    const before = table(box);
    expect(await refreshGraphs(box, IMAGE)).toBe("unchanged");
    box.request = async () => ({ status: 502, body: Buffer.from("") });
    const said: string[] = [];
    expect(await refreshGraphs(box, IMAGE, (line) => said.push(line))).toBe("kept");
    expect(said.join()).toContain("the last list of devices stays");
    expect(table(box)).toBe(before);
  });

  test("begins with an empty list where the site does not know the zone or does not answer", async () => {
    const unknown = boxWith({ zone: "7" });
    expect(await refreshGraphs(unknown, IMAGE)).toBe("changed");
    expect(table(unknown)).toBe("");
    const silent = boxWith({ zone: "54284" });
    silent.request = async () => ({ status: 200, body: Buffer.from("<html>") });
    expect(await refreshGraphs(silent, IMAGE)).toBe("kept");
    expect(table(silent)).toBe("");
  });

  test("refuses a page that is not CNML", async () => {
    const failure = await failureOf(() => parseDevices("<html>", { ranges }));
    expect(failure.code).toBe("api-reply-invalid");
  });
});
