// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox node leave`: what the site has of a box goes, nobody else's does, and an interruption is completed by the next call.

import { beforeEach, describe, expect, test } from "vitest";
import { type LeaveTools, leave } from "../../../../firstboot/commands/node.ts";
import { offerLeave } from "../../../../firstboot/commands/reset.ts";
import { GuifiApi } from "../../../../firstboot/guifi/api.ts";
import { leaveNode } from "../../../../firstboot/guifi/leave.ts";
import { freshNode, linkAddress, registerDevice } from "../../../../firstboot/guifi/registration.ts";
import { declareService } from "../../../../firstboot/guifi/services.ts";
import { readRegistration, remember } from "../../../../firstboot/guifi/store.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { failureOf } from "../../../failure-of.ts";
import { NODES, UPLINK } from "../../../lab/guifi-site/seed.ts";
import { labMember } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const ANNA = { username: "anna", password: labMember("anna").password };
let box: FakeBox;
let community: SimulatedCommunity;
let before: string;
let printed: string[];

const session = (credentials = ANNA) => ({ box, image: IMAGE, api: new GuifiApi(box, IMAGE, credentials) });
/** All that members and boxes can change at the site. */
const map = () => {
  const { nodes, services } = community.site.state;
  return JSON.stringify({ nodes, services });
};

async function register(node: number, name: string, mac: string) {
  const page = await freshNode(session(), node);
  const device = await registerDevice(session(), page, { node, name, mac });
  const linked = await linkAddress(session(), await freshNode(session(), node), device, "auto", () => {});
  const address = "address" in linked ? { address: linked.address.ipv4 ?? "" } : {};
  return { node: { id: node, name: page.title }, device: { ...device, ...address } };
}

function tools(...typed: string[]): LeaveTools {
  const ask = async (question: string) => {
    printed.push(question);
    return typed.shift() ?? "";
  };
  return { box, image: IMAGE, t: translator("en"), print: (line) => void printed.push(line), ask };
}

/** A registered box with an address and a service, beside another box of the same member. */
beforeEach(async () => {
  box = new FakeBox();
  community = new SimulatedCommunity(() => box.now());
  box.servers = community;
  printed = [];
  await register(NODES.own, "other-box", "52:54:00:65:43:21");
  before = map();
  const own = await register(NODES.own, "can-box", "52:54:00:12:34:56");
  await remember(box, { member: { name: "anna", confirmed_by: "directory" }, ...own });
  await declareService(session(), { type: "Proxy", name: "guifi-proxy", nick: "prx1" });
});

test("leaving removes address, services and device at the site, and the registration on the box", async () => {
  expect(await leave(tools("can-box", "", ANNA.password))).toBe(true);
  // The old bridges of the giver were mended at the first call, before the comparison began.
  expect(map()).toBe(before);
  expect(await readRegistration(box)).toEqual({ member: { name: "anna", confirmed_by: "directory" } });
  expect(community.commands).toEqual(
    expect.arrayContaining(["guifi.service.remove", "guifi.cloudy.unlink", "guifi.device.remove"]),
  );
  expect(printed).toEqual([
    "The device can-box (address 10.139.40.227) is removed from node 54052, BCNCanBruixa20, with its services there. The address is free for others then. This cannot be undone.",
    "To go on, type the name of the device (can-box):",
    "User name of the member (anna):",
    "Password of the member:",
    "Removing can-box from node 54052, BCNCanBruixa20",
    "Address and device are given back. If the box still uses the address: sudo cbox network setup",
  ]);
  expect(JSON.stringify(box.everWritten)).not.toContain(ANNA.password);
});

test("the returned address can be assigned again immediately", async () => {
  await leave(tools(), { isSure: true, member: ANNA });
  const again = await register(NODES.own, "new-box", "52:54:00:00:00:07");
  expect(again.device.address).toBe("10.139.40.227");
});

test("typing another name than the device's changes nothing", async () => {
  const registered = map();
  expect(await leave(tools("box"))).toBe(false);
  expect(printed.at(-1)).toBe("The names do not match. Nothing was changed.");
  expect(map()).toBe(registered);
  expect((await readRegistration(box)).device?.name).toBe("can-box");
});

test("leaving removes the former device of a box that has moved, too", async () => {
  const { node, device } = await readRegistration(box);
  const there = await register(NODES.foreign, "far-box", "52:54:00:12:34:56");
  await remember(box, { ...there, former: { node: node!, device: { id: device!.id, name: device!.name } } });
  await leaveNode(session(), () => {});
  expect(community.boxes.map(({ title }) => title)).toEqual(["other-box"]);
});

test("leaving does nothing and contacts no server without a registration", async () => {
  await remember(box, { node: undefined, device: undefined });
  const asked = community.requests.length;
  expect(await leave(tools())).toBe(true);
  expect(printed).toEqual(["The box is registered at no node: there is nothing to give back."]);
  expect(community.requests).toHaveLength(asked);
});

test("leaving without a terminal fails, since the questions need one", async () => {
  const { ask: _, ...silent } = tools();
  expect(await failureOf(() => leave(silent))).toMatchObject({
    code: "terminal-needed",
    message: "The questions need a terminal.",
  });
});

describe("leaving when something is gone already", () => {
  test.each([
    ["the device", (at: { devices: unknown[] }) => void at.devices.pop()],
    ["the node", () => void (community.site.state.nodes as unknown[]).splice(0)],
  ])("succeeds without %s", async (_what, remove) => {
    remove(community.site.state.nodes.find(({ id }) => id === NODES.own)! as never);
    expect(await leave(tools(), { isSure: true, member: ANNA })).toBe(true);
    expect((await readRegistration(box)).device).toBeUndefined();
  });

  test("does not touch a number that now belongs to a device of another type", async () => {
    await remember(box, { device: { id: UPLINK.device, name: "x" } });
    await leave(tools(), { isSure: true, member: ANNA });
    expect(community.boxes.map(({ title }) => title)).toEqual(["other-box", "can-box"]);
    expect(map()).toContain("BCNCanBruixa20Rd1");
  });
});

test("another member's password changes nothing, and the registration stays recorded", async () => {
  const registered = map();
  const pere = { username: "bernat", password: labMember("bernat").password };
  expect(await failureOf(() => leave(tools(), { isSure: true, member: pere }))).toMatchObject({
    code: "api-forbidden",
    message: "The community's web site does not let this member do that.",
  });
  expect(map()).toBe(registered);
  expect((await readRegistration(box)).device?.name).toBe("can-box");
});

test("after an interruption at any request to the site, the next call completes the leaving", async () => {
  const kept = structuredClone(community.site.state);
  const files = new Map(box.files);
  let requests = community.requests.length;
  await leave(tools(), { isSure: true, member: ANNA });
  requests = community.requests.length - requests;
  expect(requests).toBeGreaterThan(8);
  for (let cut = 1; cut < requests; cut++) {
    box = new FakeBox();
    for (const [path, text] of files) box.files.set(path, text);
    community = new SimulatedCommunity(() => box.now());
    Object.assign(community.site.state, structuredClone(kept));
    box.servers = community;
    const { request } = community;
    let seen = 0;
    community.request = async (wanted) => {
      const answer = await request(wanted);
      if (++seen === cut) throw new Error("power cut");
      return answer;
    };
    await expect(leave(tools(), { isSure: true, member: ANNA })).rejects.toThrow("power cut");
    community.request = request;
    expect(await leave(tools(), { isSure: true, member: ANNA })).toBe(true);
    expect(map(), `cut after request ${cut}`).toBe(before);
    expect((await readRegistration(box)).device).toBeUndefined();
  }
});

test.each(["service.remove", "cloudy.unlink", "device.remove"])(
  "an unreadable answer to %s is no failure when the page shows that it was done",
  async (command) => {
    const { request } = community;
    let isDone = true;
    community.request = async (wanted) => {
      if (!wanted.url.includes(command)) return request(wanted);
      if (isDone) await request(wanted);
      return { status: 200, body: Buffer.from("Fatal error") };
    };
    isDone = false;
    expect(await failureOf(() => leave(tools(), { isSure: true, member: ANNA }))).toMatchObject({
      code: "api-reply-invalid",
      found: "not the expected JSON",
    });
    expect((await readRegistration(box)).device?.name).toBe("can-box");
    isDone = true;
    expect(await leave(tools(), { isSure: true, member: ANNA })).toBe(true);
    expect(map()).toBe(before);
  },
);

test("a device that the page still shows is reported, and stays recorded", async () => {
  const { request } = community;
  community.request = async (wanted) =>
    wanted.url.includes("device.remove")
      ? { status: 200, body: Buffer.from('{"command":"guifi.device.remove","code":{"code":200}}') }
      : request(wanted);
  expect(await failureOf(() => leave(tools(), { isSure: true, member: ANNA }))).toMatchObject({
    code: "device-still-shown",
    message: "The page of the node BCNCanBruixa20 still shows the device can-box.",
  });
  expect((await readRegistration(box)).device?.name).toBe("can-box");
});

describe("before a reset that deletes all, the box", () => {
  test('offers to leave the node, and leaves it on "yes"', async () => {
    expect(await offerLeave(tools("Yes", "", ANNA.password))).toBe(true);
    expect(printed[0]).toContain("To give address and device back first, type yes:");
    expect(map()).toBe(before);
  });

  test("continues with the reset without leaving on any other answer", async () => {
    const registered = map();
    expect(await offerLeave(tools(""))).toBe(true);
    expect(map()).toBe(registered);
  });

  test("stops the reset when the leaving fails, and gives the reason", async () => {
    expect(await offerLeave(tools("yes", "", "wrong-password"))).toBe(false);
    expect(printed.at(-1)).toContain(
      "The community's web site does not accept this user name and password. The reset was not begun.",
    );
  });

  test("does not offer it when it is not registered", async () => {
    await remember(box, { device: undefined });
    expect(await offerLeave(tools())).toBe(true);
    expect(printed).toEqual([]);
  });
});
