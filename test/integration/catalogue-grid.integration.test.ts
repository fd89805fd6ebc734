// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue's storage grid (Tahoe-LAFS) over two boxes: one begins it, the other joins by what the first announces.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { announcements } from "../../firstboot/services/announce.ts";
import { copiesOf, spreadFiles } from "../../firstboot/services/copies.ts";
import type { ServiceState } from "../../firstboot/services/state.ts";
import type { ChrootBox } from "./chroot-box.ts";
import { BOX, image, type ServiceLab, serviceLab, until } from "./service-lab.ts";
import { expectSandboxed } from "./units.ts";

let community: ServiceLab;
let box: ChrootBox;

beforeAll(async () => {
  community = await serviceLab({ name: "catgrid", boxes: ["box", "neighbour"], shared: ["tahoe-lafs"] });
  box = community.boxOf("box");
});
afterAll(() => community?.down());

describe("a storage grid", () => {
  const gateway = "http://127.0.0.1:3456/uri";
  /** On the box itself, since the gateway answers nobody else. */
  const curl = async (at: "box" | "neighbour", ...words: string[]) =>
    (await community.lab.run(at, ["curl", "--silent", "--max-time", "60", ...words])).stdout;
  const get = (at: "box" | "neighbour", cap: string) => curl(at, `${gateway}/${cap}`);
  /** Longer than what Tahoe keeps in the key itself. */
  const letter = "Benvolguts veins, ".repeat(100);
  let cap: string;

  test("begins on one box, which announces its complete address", async () => {
    // As in a context, which does not get at the ports of the box.
    for (const rule of [
      ["add", "pref", "2", "lookup", "local"],
      ["add", "pref", "1", "iif", "lo", "to", BOX, "prohibit"],
      ["del", "pref", "0"],
    ])
      expect(await community.lab.run("box", ["ip", "rule", ...rule])).toMatchObject({ code: 0 });
    await community.switchOn("box", "tahoe-lafs", { name: "Can-Bruixa" });
    await expectSandboxed(box, "cbox-tahoe.service");
    await expectSandboxed(box, "cbox-tahoe-introducer.service");
    const { ready } = await announcements(box, image, BOX);
    const entry = ready.find(({ s }) => s === "tahoe-lafs");
    expect(entry).toMatchObject({ d: "Can-Bruixa", p: "3458" });
    const { stdout } = await box.run("cat", ["/var/lib/cbox-tahoe/introducer/private/introducer.furl"]);
    expect(entry?.t).toBe(`furl=${stdout.trim()}`);
    expect(stdout).toMatch(/^pb:\/\/[a-z2-7]{32}@tcp:10\.139\.40\.60:3458\//);
  });

  const [tahoe, state] = [findService("tahoe-lafs")!, { where: "host", inputs: {} } as ServiceState];
  const copies = () => copiesOf({ box, image }, tahoe, state);
  let early: string;

  test("of one box keeps all copies on its disk, and reports that", async () => {
    expect(await until(copies, (found) => found?.boxes === 1)).toEqual({ boxes: 1, wanted: 3 });
    early = await curl("box", "--request", "PUT", "--data-binary", `early ${letter}`, gateway);
    expect(early).toMatch(/^URI:CHK:.*:1:3:1806$/);
    expect(await spreadFiles({ box, image }, tahoe, state, `${early}\n`)).toEqual([
      { boxes: 1, key: early, isNew: false },
    ]);
  });

  test("is joined by another box with that address, which reads what the first stored", async () => {
    const { ready } = await announcements(box, image, BOX);
    const furl = ready.find(({ s }) => s === "tahoe-lafs")?.t.replace("furl=", "");
    await community.switchOn("neighbour", "tahoe-lafs", { grid: "join", furl, copies: 2 });
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
    await community.expectOnlyDeclared("box");
    await community.expectOnlyDeclared("neighbour");
  });

  test("has no copy of earlier files on the other box until they are spread, in spite of check and repair", async () => {
    expect(await until(copies, (found) => found?.boxes === 2)).toEqual({ boxes: 2, wanted: 3 });
    const check = `${gateway}/${encodeURIComponent(early)}?t=check&repair=true&output=json`;
    const report = await curl("box", "--request", "POST", check);
    const { "pre-repair-results": before, "repair-attempted": attempted } = JSON.parse(report);
    expect([before.results.healthy, attempted]).toEqual([true, false]);
    const storage = () =>
      community.boxOf("neighbour").list("/var/lib/cbox-tahoe/node/storage/shares", { recursive: true });
    const kept = await storage();

    const spread = await spreadFiles({ box, image }, tahoe, state, `${early}\nURI:LIT:nothing\n`);
    expect(spread).toEqual([
      { boxes: 2, key: early, isNew: false },
      { key: "URI:LIT:nothing", isNew: false },
    ]);
    expect((await storage()).length).toBeGreaterThan(kept.length);
  });

  test("keeps a copy when the box that stored it is gone", async () => {
    await community.switchOff("neighbour", "tahoe-lafs");
    expect(await get("box", cap)).toBe(letter);
  });

  test("cannot be read by a client of another grid, and its gateway serves only the box", async () => {
    expect(await community.isOpen(3456)).toBe(false);
    expect(await get("box", cap.replace(/CHK:[a-z2-7]{4}/, "CHK:aaaa"))).not.toContain("Benvolguts");
  });

  test("keeps what is stored when it is disabled", async () => {
    await community.switchOff("box", "tahoe-lafs");
    expect(await community.isOpen(3457)).toBe(false);
    expect(await box.list("/var/lib/cbox-tahoe/node/storage/shares")).not.toEqual([]);
  });
});
