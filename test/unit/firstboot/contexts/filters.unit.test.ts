// SPDX-License-Identifier: GPL-3.0-or-later
// The filters of interfaces in the contexts, on a box in memory: who has them, and how a box that was divided before comes
// by them.

import { describe, expect, test } from "vitest";
import { canFilter, catchUpWalls } from "../../../../firstboot/contexts/filters.ts";
import { publish } from "../../../../firstboot/services/publish.ts";
import { contexts } from "../../../../firstboot/steps/contexts/index.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const FILTERED = { "security.mac_filtering": "true", "security.ipv4_filtering": "true" };

async function divided(box = new FakeBox()): Promise<FakeBox> {
  const tools = { box, image: IMAGE, providedSecrets: new Set<string>(), skippedSteps: new Set<string>() };
  const { signal } = new AbortController();
  await contexts.apply({}, { ...tools, answersOf: () => ({}), progress: () => {}, signal });
  return box;
}

/** As it was divided before its interfaces had filters. */
async function dividedBefore(): Promise<FakeBox> {
  const box = await divided();
  const { profiles, instances } = box.system.contexts;
  for (const id of ["owner", "community"] as const)
    profiles.get(id)!.devices = { eth0: { type: "nic", network: `cbox-${id}`, name: "eth0" } };
  instances.get("community/community")!.devices.eth0 = {
    ...{ type: "nic", network: "cbox-community", name: "eth0", "ipv4.address": "172.31.241.77" },
  };
  box.system.commands.length = 0;
  return box;
}

const changes = (box: FakeBox) => box.system.commands.filter((line) => line.includes("--request PATCH"));

describe("an interface in a context", () => {
  test("may send only from its own MAC and IPv4 address on a newly divided box", async () => {
    const { profiles } = (await divided()).system.contexts;
    for (const id of ["owner", "community"])
      expect(profiles.get(id)?.devices?.eth0).toMatchObject({ network: `cbox-${id}`, ...FILTERED });
  });

  test("gets its filters at the next announcement on a box divided earlier, and keeps its other settings", async () => {
    const box = await dividedBefore();
    const { profiles, instances } = box.system.contexts;
    await publish(box, IMAGE);
    expect(profiles.get("owner")?.devices?.eth0).toEqual({
      ...{ type: "nic", network: "cbox-owner", name: "eth0" },
      ...FILTERED,
    });
    expect(instances.get("community/community")?.devices.eth0).toEqual({
      ...{ type: "nic", network: "cbox-community", name: "eth0", "ipv4.address": "172.31.241.77" },
      ...FILTERED,
    });
    expect(box.system.commands).toContain("systemctl start cbox-walls.service");
    // The two profiles, and the one with settings of its own.
    expect(changes(box)).toHaveLength(3);
    box.system.commands.length = 0;
    await publish(box, IMAGE);
    expect(changes(box)).toEqual([]);
    expect(box.system.commands).not.toContain("systemctl start cbox-walls.service");
  });

  test("gets its filters, too, when the box is set up again or its sizes are changed", async () => {
    const box = await dividedBefore();
    await divided(box);
    expect(box.system.contexts.instances.get("community/community")?.devices.eth0).toMatchObject(FILTERED);
  });

  test.each([
    ["makes its rules by iptables", (box: FakeBox) => box.system.contexts.filterBy("xtables")],
    ["has a kernel that cannot", (box: FakeBox) => void box.system.failing.add("nft")],
  ])("has no filters where Incus %s, so that the context starts", async (_why, spoil) => {
    const box = new FakeBox();
    spoil(box);
    expect(await canFilter(box)).toBe(false);
    await divided(box);
    expect(box.system.contexts.profiles.get("community")?.devices?.eth0).not.toMatchObject(FILTERED);
  });

  test("is updated at the next announcement after Incus has refused, and nothing else fails", async () => {
    const box = await dividedBefore();
    const run = box.run.bind(box);
    box.run = async (command, args, options) =>
      args.includes("PATCH") ? { code: 1, stdout: "", stderr: "no" } : run(command, args, options);
    const said: string[] = [];
    await catchUpWalls(box, (line) => said.push(line));
    expect(said.join()).toMatch(/^the interfaces of the contexts are not filtered yet: /);
    box.run = run;
    await catchUpWalls(box, () => {});
    expect(changes(box)).toHaveLength(3);
  });
});
