// SPDX-License-Identifier: GPL-3.0-or-later
// The Serf tag: what we write, old and new nodes can read; what they write, we can; and 512 bytes are 512 bytes.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeServices,
  encodeServices,
  type Filter,
  fitServices,
  type PublishedService,
  SERF_META_LIMIT,
  serfMetaBytes,
} from "../../../../common/serf-payload.ts";
import { serfConfig } from "../../../../firstboot/discovery/serf.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { failureOf } from "../../../failure-of.ts";
import { oldSearch } from "../../../lab/old-search.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const filter: Filter = async (command, input) => execFileSync(command, { input });
/** For many runs: the same size order, no process. */
const noFilter: Filter = async (_command, input) => input;

const serf: PublishedService = {
  s: "serf",
  d: "SERF instance running",
  m: "can-bruixa.guifi.local",
  i: "10.1.2.3",
  p: "5000",
  e: "guifi",
  t: "",
};

describe("encoding services for Serf", () => {
  test("gives base64 of bzip2 of a JSON array with ordered keys and _ for spaces", async () => {
    const tag = await encodeServices([serf], filter);
    expect(tag).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const json = execFileSync("bunzip2", { input: Buffer.from(tag, "base64") }).toString();
    expect(json).toBe(
      '[{"s":"serf","d":"SERF_instance_running","m":"can-bruixa.guifi.local","i":"10.1.2.3","p":"5000","e":"guifi","t":""}]',
    );
  });

  const text = fc.string({ unit: "grapheme" });
  const anything = fc.record({ s: text, d: text, m: text, i: text, p: text, e: text, t: text });

  test("can be reversed for all texts, and refuses what older nodes could not read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 4 }), async (services) => {
        const { tag, published, refused } = await fitServices(services, noFilter, { limit: 10_000 });
        expect(published.length + refused.length).toBe(services.length);
        const asWritten = published.map((service) =>
          Object.fromEntries(
            Object.entries(service).map(([key, value]) => [
              key,
              (key === "d" ? value.replace(/\s/gu, "_") : value).replaceAll("'", "\u2019"),
            ]),
          ),
        );
        // Whoever reads it takes nothing that lacks type, address or port.
        const asRead = asWritten.filter(({ s, i, p }) => s && i && p);
        expect(tag === "" ? [] : await decodeServices(tag, noFilter)).toEqual(asRead);
      }),
    );
  });

  test.each([
    ["two pairs joined by a space", { t: "a=1 b=2" }, 't: "a=1 b=2"'],
    ["a microcloud of two words", { e: "Can Bruixa" }, 'e: "Can Bruixa"'],
    ["a line break in the type", { s: "se\nrf" }, 's: "se\\nrf"'],
  ])("refuses %s, and names the field", async (_what, odd, found) => {
    const failure = await failureOf(() => encodeServices([{ ...serf, ...odd }], noFilter));
    expect(failure).toMatchObject({ code: "serf-field", found });
    expect(failure.message).toContain("white space in a field would break the search of older nodes");
  });

  describe("for the search page of an old node", () => {
    const old =
      "[{'s':'tahoe-lafs','d':'Grid','m':'a.guifi.local','i':'10.1.1.1','p':'8228','e':'guifi','t':''}]";
    const member = (name: string, tag: string) => ({ name, status: "alive", tags: { services: tag } });
    const packed = (json: string) => Buffer.from(json).toString("base64");
    const page = (...tags: string[]) =>
      oldSearch([member("old", packed(old)), ...tags.map((tag) => member("box", tag))], noFilter);

    test("lists all services of a box beside the old node's own, whatever their names", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anything, { maxLength: 4 }), async (services) => {
          const { tag, published } = await fitServices(services, noFilter, { limit: 10_000 });
          expect(await page(...(tag ? [tag] : []))).toHaveLength(1 + published.length);
        }),
      );
    });

    test("shows an apostrophe as a typographic one, and two pairs as one word", async () => {
      const service = { ...serf, d: "l'Anna's\tgrid", t: "name=l'Anna&size=3" };
      expect(await page(await encodeServices([service, serf], noFilter))).toMatchObject([
        { node_id: "box", s: "serf" },
        { node_id: "box", d: "l\u2019Anna\u2019s_grid", t: "name=l\u2019Anna&size=3" },
        { node_id: "old", s: "tahoe-lafs" },
      ]);
    });

    test("avoids what broke it: a space breaks the whole page, an apostrophe hides the box", async () => {
      const plain = { ...serf, d: "x" };
      expect(await page(packed(JSON.stringify([{ ...plain, t: "a=1 b=2" }])))).toBeUndefined();
      expect(await page(packed(JSON.stringify([plain, { ...plain, m: "l'anna" }])))).toHaveLength(1);
    });
  });

  test("can be decoded from an old node's single quotes and numbers", async () => {
    const old =
      "[{'s':'syncthing','d':'Syncthing','m':'a.guifi.local','i':'10.1.1.1','p':22000,'e':'guifi','t':'node_id=X'}]";
    const tag = Buffer.from(await filter("bzip2", Buffer.from(old))).toString("base64");
    expect(await decodeServices(tag, filter)).toMatchObject([{ s: "syncthing", p: "22000", t: "node_id=X" }]);
  });

  test("fails to decode a damaged tag", async () => {
    await expect(decodeServices("AAAA", filter)).rejects.toThrow();
  });
});

describe("the size limit of the tags", () => {
  test("counts their msgpack encoding", () => {
    // 1 magic byte, 1 for the map, 1 + 1 for "a", 1 + 3 for "bcd".
    expect(serfMetaBytes({ a: "bcd" })).toBe(8);
    expect(serfMetaBytes({})).toBe(2);
    expect(serfMetaBytes({ a: "x".repeat(32) })).toBe(2 + 2 + 35);
  });

  test("is never exceeded, and each omitted service is reported", async () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      ...serf,
      s: `service-${index}`,
      p: String(8000 + index * 7),
    }));
    const { tag, bytes, published, omitted } = await fitServices(many, filter, {
      otherTags: { role: "node" },
    });
    expect(bytes).toBe(serfMetaBytes({ role: "node", services: tag }));
    expect(bytes).toBeLessThanOrEqual(SERF_META_LIMIT);
    expect(published.length).toBeGreaterThan(3);
    expect([...published, ...omitted].map(({ s }) => s).sort()).toEqual(many.map(({ s }) => s).sort());
    expect(published[0]).toBe(many[0]);
  });
});

describe("cbox publish", () => {
  async function boxWithSerf(): Promise<FakeBox> {
    const box = new FakeBox();
    box.files.set("/etc/hostname", "can-bruixa\n");
    box.system.enabled.add("serf.service");
    return box;
  }

  test("announces what is enabled and listens, and does nothing the second time", async () => {
    const box = await boxWithSerf();
    const result = await publish(box, IMAGE);
    expect(result.published).toMatchObject([
      { s: "serf", i: "10.1.2.50", p: "5000", m: "can-bruixa.guifi.local" },
    ]);
    expect(await decodeServices(box.system.tags.services ?? "", filter)).toHaveLength(1);
    const before = box.effects.length;
    await publish(box, IMAGE);
    expect(box.effects.slice(before).filter((effect) => /tags|restart|serf\/community/.test(effect))).toEqual(
      [],
    );
  });

  test("omits and reports what older nodes could not read, and announces the rest", async () => {
    const box = await boxWithSerf();
    const community = { ...IMAGE.community, serf: { ...IMAGE.community.serf, microcloud: "Can Bruixa" } };
    const said: string[] = [];
    const result = await publish(box, { ...IMAGE, community }, (line) => said.push(line));
    expect(result).toMatchObject({ published: [], refused: ["serf"] });
    expect(said).toContain('not announced: serf, white space in e: "Can Bruixa"');
    expect(box.system.tags.services).toBeUndefined();
  });

  test("records the listeners before it reads them, so that the watch notices later changes", async () => {
    const box = await boxWithSerf();
    await publish(box, IMAGE);
    expect(box.effects[0]).toBe("/usr/lib/community-box/watch-listeners --note");
  });

  test("restarts Serf with the new address when that has changed", async () => {
    const box = await boxWithSerf();
    await publish(box, IMAGE);
    box.system.dhcpAddress = "10.9.9.9/24";
    const { published } = await publish(box, IMAGE);
    expect(published[0]?.i).toBe("10.9.9.9");
    expect(box.files.get("/etc/serf/community-box.json")).toContain('"10.9.9.9:5000"');
    expect(box.effects.filter((effect) => effect === "systemctl restart serf.service")).toHaveLength(2);
  });

  test("reports serf-disabled when discovery is off", async () => {
    expect(await publish(new FakeBox(), IMAGE)).toMatchObject({ reason: "serf-disabled", published: [] });
  });

  test("gives a reason when there is no address", async () => {
    const box = await boxWithSerf();
    box.system.dhcpAddress = undefined;
    expect(await publish(box, IMAGE)).toMatchObject({ reason: "no-address", published: [] });
  });

  test("the configuration of Serf uses the community's settings and a node name of its own", () => {
    expect(JSON.parse(serfConfig(IMAGE, "0123", "can-bruixa", "10.1.2.3", "5a"))).toMatchObject({
      node_name: "0123-can-bruixa",
      bind: "10.1.2.3:5000",
      profile: "wan",
      rpc_addr: "127.0.0.1:7373",
      retry_join: ["10.139.40.22:5000"],
    });
  });
});
