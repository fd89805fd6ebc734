// SPDX-License-Identifier: GPL-3.0-or-later
// The walls of the contexts on a box in memory: what the owner opens and closes, and what the program that
// loads them is told.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contains, formatIpv4, parseCidr } from "../../../../common/ipv4.ts";
import { runContexts } from "../../../../firstboot/commands/contexts.ts";
import { parseNetwork } from "../../../../firstboot/commands/wall-network.ts";
import { readWallSettings, without } from "../../../../firstboot/contexts/wall-settings.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { contexts } from "../../../../firstboot/steps/contexts/index.ts";
import { OVERLAYS } from "../../../../image/host/paths.ts";
import { failureOf } from "../../../failure-of.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

async function divided(box = new FakeBox()): Promise<FakeBox> {
  const tools = { box, image: IMAGE, providedSecrets: new Set<string>(), skippedSteps: new Set<string>() };
  const { signal } = new AbortController();
  await contexts.apply({}, { ...tools, answersOf: () => ({}), progress: () => {}, signal });
  return box;
}

const file = (path: string) => readFileSync(join(OVERLAYS, "base/files", path), "utf8");

describe("cbox contexts walls", () => {
  async function say(box: FakeBox, line: string, language = "en") {
    const printed: string[] = [];
    const print = (text: string) => void printed.push(text);
    const tools = { box, image: IMAGE, t: translator(language), print, onTerminal: async () => 0 };
    const code = await runContexts(["walls", ...line.split(" ").filter(Boolean)], tools);
    return { code, printed: printed.join("\n") };
  }
  const refused = (box: FakeBox, line: string) => failureOf(() => say(box, line));
  const egress = (box: FakeBox) =>
    (box.system.contexts.acls.get("cbox-community") as { egress: { destination: string }[] }).egress.map(
      ({ destination }) => destination,
    );

  test("shows what the community does not reach, and whether the box forwards", async () => {
    const box = await divided();
    box.system.contexts.walls =
      "home 10.1.2.0/27\nhome 192.168.1.0/24\nhome 192.168.1.1/32\nopen 10.1.2.0/27\nforward machine\n";
    const { printed } = await say(box, "");
    expect(printed).toBe(
      `Your networks, which the community's part does not reach: 192.168.1.0/24
Opened to it by you: 10.1.2.0/27
The box passes on what comes from one of its networks for another: other
  settings of this machine say so.`,
    );
    expect(JSON.parse((await say(box, "--json")).printed)).toEqual({
      home: ["10.1.2.0/27", "192.168.1.0/24"],
      open: ["10.1.2.0/27"],
      forward: "machine",
    });
  });

  test("opens a network, records and applies that, and closes it again", async () => {
    const box = await divided();
    await say(box, "open 10.1.2.9/27");
    await say(box, "open 2001:DB8:1::5/64");
    await say(box, "open 10.1.2.0/27");
    await say(box, "forward on");
    const { files, system } = box;
    expect(files.get(paths.walls)?.split("\n").slice(1)).toEqual([
      "forward on",
      "open 10.1.2.0/27",
      "open 2001:db8:1::/64",
      "",
    ]);
    expect(system.commands.filter((line) => line === paths.wallsProgram)).toHaveLength(4);
    await say(box, "close 10.1.2.0/27");
    await say(box, "forward off");
    expect(await readWallSettings(box)).toEqual({ open: ["2001:db8:1::/64"], forward: false });
  });

  test("exempts a network in a range of home networks from what Incus refuses, too", async () => {
    const box = await divided();
    await say(box, "open 192.168.0.0/17");
    expect(egress(box)[1]).toBe("172.16.0.0/12,192.168.128.0/17,169.254.0.0/16");
    await say(box, "close 192.168.0.0/17");
    expect(egress(box)[1]).toBe("172.16.0.0/12,192.168.0.0/16,169.254.0.0/16");
  });

  test.each([
    ["open", "wall-network"],
    ["open 10.0.0.0/7", "wall-network"],
    ["open 10.1.2.300/27", "wall-network"],
    ["open 0.0.0.0/8", "wall-network"],
    ["open ::/0", "wall-network"],
    ["open fe80::1%eth0/64", "wall-network"],
    ["open ::ffff:10.1.2.3/128", "wall-network"],
    ["close 10.1.2.0/27", "wall-not-open"],
    ["forward maybe", "unknown-command"],
    ["opne 10.1.2.0/27", "unknown-command"],
    ["open 10.1.2.0/27 10.1.3.0/27", "unknown-command"],
  ])("refuses `%s`, and changes nothing: %s", async (line, code) => {
    const box = await divided();
    expect((await refused(box, line)).code).toBe(code);
    expect(box.files.has(paths.walls)).toBe(false);
    expect(box.system.commands).not.toContain(paths.wallsProgram);
  });

  test("is refused on a box without contexts", async () => {
    expect((await refused(new FakeBox(), "open 10.1.2.0/27")).code).toBe("contexts-off");
  });
});

describe("writing a network", () => {
  test.each([
    ["10.1.2.9/27", "10.1.2.0/27"],
    ["10.1.2.9", "10.1.2.9/32"],
    ["2001:db8::ff", "2001:db8::ff/128"],
    ["2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65"],
    ["2001:db8:1:2:3:4:5:6/49", "2001:db8:1::/49"],
    ["::1/128", "::1/128"],
  ])("%s is written as %s", (typed, written) => {
    expect(parseNetwork(typed)).toBe(written);
    expect(parseNetwork(written)).toBe(written);
  });

  test("without others leaves exactly the addresses that the others do not have", () => {
    const cidr = fc
      .tuple(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 24, max: 32 }))
      .map(([last, prefix]) => `${formatIpv4(parseCidr(`192.168.1.${last}/${prefix}`)!.network)}/${prefix}`);
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 4 }), fc.integer({ min: 0, max: 511 }), (open, host) => {
        const address = parseCidr("192.168.0.0/16")!.network + host;
        const isIn = (ranges: readonly string[]) =>
          ranges.some((range) => contains(parseCidr(range)!, address));
        expect(isIn(without("192.168.0.0/23", open))).toBe(!isIn(open));
      }),
    );
  });
});

describe("the files of the firewall rules", () => {
  test("are loaded by one program at the start, after a change of the settings, and while the box runs", () => {
    const unit = file("usr/lib/systemd/system/cbox-contexts.service.hbs");
    expect(unit).toMatch(new RegExp(`^ExecStart=${paths.wallsProgram}$`, "m"));
    expect(unit).toMatch(/^Wants=.*\bcbox-walls\.service$/m);
    const watch = file("usr/lib/systemd/system/cbox-walls.service.hbs");
    expect(watch).toMatch(new RegExp(`^ExecStart=${paths.wallsProgram} --watch$`, "m"));
    expect(watch).toMatch(/^Restart=always$/m);
    const program = file(paths.wallsProgram);
    expect(program).toContain(`settings=${paths.walls}\n`);
    expect(program).toContain(paths.vpn);
  });

  test("refuse forwarding until the program removes a rule", () => {
    const between = /chain between \{\n\t\t(.*)\n\t\}/.exec(file("usr/lib/community-box/contexts.nft"))?.[1];
    expect(between).toBe("reject with icmpx admin-prohibited");
  });
});
