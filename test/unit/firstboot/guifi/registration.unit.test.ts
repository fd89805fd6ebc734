// SPDX-License-Identifier: GPL-3.0-or-later
// Registering at the stand-in for the site: whose device is whose, names that are taken, who gives addresses and who
// does not, and services that are declared.

import { describe, expect, test } from "vitest";
import { GuifiApi } from "../../../../firstboot/guifi/api.ts";
import {
  freshNode,
  linkAddress,
  registerDevice,
  type Session,
  type WantedDevice,
} from "../../../../firstboot/guifi/registration.ts";
import { declareService } from "../../../../firstboot/guifi/services.ts";
import { readRegistration, remember } from "../../../../firstboot/guifi/store.ts";
import type { HttpResponse } from "../../../../firstboot/host/box.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { failureOf } from "../../../failure-of.ts";
import { NODES, UPLINK } from "../../../lab/guifi-site/seed.ts";
import { allDevices } from "../../../lab/guifi-site/state.ts";
import { labMember } from "../../../lab/members.ts";
import { SimulatedCommunity } from "../../helpers/community.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const MAC = "52:54:00:12:34:56";
const OTHER_MAC = "52:54:00:65:43:21";

class Town {
  readonly box = new FakeBox();
  readonly community = new SimulatedCommunity(() => this.box.now());

  as(name = "anna"): Session {
    this.box.servers = this.community;
    const { password } = labMember(name);
    return { box: this.box, image: IMAGE, api: new GuifiApi(this.box, IMAGE, { username: name, password }) };
  }

  async register(wanted: Partial<WantedDevice> = {}, session = this.as()) {
    const node = wanted.node ?? NODES.own;
    return registerDevice(session, await freshNode(session, node), {
      node,
      name: "can-box",
      mac: MAC,
      ...wanted,
    });
  }

  async link(
    device: { id: number; name: string },
    { from = "auto", node = NODES.own as number, session = this.as() } = {},
  ) {
    const asked: string[] = [];
    const linked = await linkAddress(session, await freshNode(session, node), device, from, (giver) =>
      asked.push(giver),
    );
    return { linked, asked };
  }

  /** The site answers one command in its own way. `isDone`: after it has done what was asked. */
  answering(command: string, isDone: boolean, answer: HttpResponse): void {
    const { request } = this.community;
    this.community.request = async (wanted) => {
      if (!wanted.url.includes(command)) return request(wanted);
      if (isDone) await request(wanted);
      return answer;
    };
  }

  count(command: string): number {
    return this.community.commands.filter((each) => each.endsWith(command)).length;
  }

  get names(): string[] {
    return this.community.boxes.map(({ title }) => title);
  }
}

describe("registering a box", () => {
  test("makes one device, however often and under whatever name", async () => {
    const town = new Town();
    const first = await town.register();
    expect(await town.register()).toEqual(first);
    expect(await town.register({ name: "terrat" })).toEqual({ ...first, name: "terrat" });
    expect(
      await town.register({ name: "Terrat", notes: "n", notification: "a@b.cat,c@d.cat" }),
    ).toMatchObject({
      id: first.id,
    });
    expect(town.community.boxes).toMatchObject([
      {
        title: "terrat",
        mac: MAC,
        comment: `n [${MAC}]`,
        notification: "a@b.cat,c@d.cat",
        status: "Testing",
      },
    ]);
  });

  test("finds the device by its recorded number when the box uses another interface", async () => {
    const town = new Town();
    const { id } = await town.register();
    expect(await town.register({ mac: OTHER_MAC, recorded: id })).toMatchObject({ id });
    expect(town.community.boxes).toMatchObject([{ mac: OTHER_MAC, comment: `[${OTHER_MAC}]` }]);
  });

  test("makes another device for another box of the same member", async () => {
    const town = new Town();
    const first = await town.register();
    const second = await town.register({ mac: OTHER_MAC });
    expect(second).toEqual({ id: expect.any(Number), name: "can-box-2" });
    expect(second.id).not.toBe(first.id);
    // Both stay what they are when they register again.
    expect(await town.register()).toEqual(first);
    expect(await town.register({ mac: OTHER_MAC })).toEqual(second);
    expect(town.names).toEqual(["can-box", "can-box-2"]);
  });

  test("takes over a device of this name without a MAC that other software registered", async () => {
    const town = new Town();
    const { api } = town.as();
    const added = await api.call("guifi.device.add", { node_id: NODES.own, type: "cloudy", nick: "Can-Box" });
    expect(await town.register()).toEqual({ id: Number(added.device_id), name: "can-box" });
    expect(town.community.boxes).toMatchObject([{ mac: MAC, comment: `[${MAC}]` }]);
  });

  test("does not take over somebody else's device, nor one of another type", async () => {
    const town = new Town();
    const { api } = town.as("bernat");
    await api.call("guifi.device.add", { node_id: NODES.foreign, type: "cloudy", nick: "can-box" });
    expect(await town.register({ node: NODES.foreign })).toMatchObject({ name: "can-box-2" });
    expect(await town.register({ name: "BCNCanBruixa20Rd1", mac: OTHER_MAC })).toMatchObject({
      name: "BCNCanBruixa20Rd1-2",
    });
  });

  test("adds a number to a name that is taken anywhere in the network", async () => {
    const town = new Town();
    await town
      .as("bernat")
      .api.call("guifi.device.add", { node_id: NODES.foreign, type: "cloudy", nick: "CAN-BOX" });
    const device = await town.register();
    expect(device.name).toBe("can-box-2");
    // The wish stays, and is still not to be had.
    expect(await town.register()).toEqual(device);
  });

  test("fails when all names are taken", async () => {
    const town = new Town();
    town.community.siteAnswers = ({ url }) =>
      url.includes("device.add")
        ? {
            status: 200,
            body: Buffer.from('{"code":{"code":201},"errors":[{"code":403,"extra":"nick already in use"}]}'),
          }
        : undefined;
    expect(await failureOf(() => town.register())).toMatchObject({
      code: "device-name-taken",
      message: 'The device name "can-box" and all like it with a number are taken.',
    });
  });

  test("refuses a member when another member has registered this box", async () => {
    const town = new Town();
    await town.register({}, town.as("bernat"));
    expect(await failureOf(() => town.register({}, town.as("nuria")))).toMatchObject({
      code: "api-forbidden",
    });
    expect(town.names).toEqual(["can-box"]);
  });

  test("finds the device although the site's cache has an old page", async () => {
    const town = new Town();
    await freshNode(town.as(), NODES.own);
    const first = await town.register();
    expect(await town.register()).toEqual(first);
  });

  test("fails for a node that does not exist", async () => {
    expect(await failureOf(() => new Town().register({ node: 999999 }))).toMatchObject({
      code: "node-unknown",
      message: "There is no node with the number 999999.",
    });
  });

  test.each([
    ["no number of the device", 200, '{"code":{"code":200},"responses":{"device_id":"<b>"}}'],
    ["half an answer", 200, '{"command":"guifi.device.add","code":{"co'],
    ["an error page", 500, "<html>"],
  ])("finds on the node's page that the device was added after %s", async (_what, status, body) => {
    const town = new Town();
    town.answering("device.add", true, { status, body: Buffer.from(body) });
    const device = await town.register();
    expect(town.community.boxes).toMatchObject([{ ...{ id: device.id, title: "can-box", mac: MAC } }]);
    expect(town.count("device.add")).toBe(1);
  });

  test.each(["device.add", "device.update"])(
    "fails when an answer cannot be read and the change was not made (%s)",
    async (call) => {
      const town = new Town();
      if (call === "device.update") await town.register();
      town.answering(call, false, { status: 200, body: Buffer.from("Fatal error") });
      expect(await failureOf(() => town.register({ name: "other" }))).toMatchObject({
        code: "api-reply-invalid",
        found: "not the expected JSON",
      });
    },
  );

  test("finds a change on the node's page when its answer cannot be read", async () => {
    const town = new Town();
    const { id } = await town.register();
    town.answering("device.update", true, { status: 200, body: Buffer.from("Fatal error") });
    expect(await town.register({ name: "terrat", notes: "n" })).toEqual({ id, name: "terrat" });
  });

  test("fails for a device that the site numbers but does not store", async () => {
    const town = new Town();
    expect(await failureOf(() => town.register({ name: "x".repeat(41) }))).toMatchObject({
      code: "device-not-shown",
      message: `The web site says that it has the device "${"x".repeat(41)}", but the page of the node BCNCanBruixa20 does not show it.`,
    });
    // Nor is a new name that it does not keep.
    await town.register();
    expect(await failureOf(() => town.register({ name: "x".repeat(41) }))).toMatchObject({
      code: "device-not-shown",
    });
    expect(town.names).toEqual(["can-box"]);
  });

  test("keeps numbered names within the length that the site stores, each once", async () => {
    const town = new Town();
    const name = `${"x".repeat(38)}-y`;
    const macs = Array.from({ length: 11 }, (_, index) => `52:54:00:00:00:${10 + index}`);
    for (const mac of macs) await town.register({ name, mac });
    expect(town.names).toEqual([
      name,
      ...Array.from({ length: 8 }, (_, index) => `${"x".repeat(38)}-${index + 2}`),
      `${"x".repeat(37)}-10`,
      `${"x".repeat(37)}-11`,
    ]);
  });
});

describe("an address", () => {
  test("is given by a device of the node, once", async () => {
    const town = new Town();
    const device = await town.register();
    const address = {
      address: { ipv4: UPLINK.next, mask: "255.255.255.224", isRadio: false, linked: [UPLINK.device] },
    };
    expect(await town.link(device)).toEqual({ linked: address, asked: ["BCNCanBruixa20Rd1"] });
    expect(await town.link(device)).toEqual({ linked: address, asked: [] });
    expect(town.community.boxes[0]?.interfaces).toHaveLength(1);
  });

  test("is not requested when it is not wanted", async () => {
    const town = new Town();
    expect(await town.link(await town.register(), { from: "none" })).toEqual({
      linked: { reason: "not-wanted" },
      asked: [],
    });
  });

  test.each([
    ["foreign", ["BCNRiera5Rd1", "BCNRiera5Srvr1"]],
    ["bare", []],
    ["airOnly", []],
    ["full", ["BCNPlena1Rd1", "BCNPlena1Cam1"]],
  ] as const)("is left out when no device of the node %s gives one", async (name, givers) => {
    const town = new Town();
    const node = NODES[name];
    const device = await town.register({ node });
    expect(await town.link(device, { node })).toEqual({ linked: { reason: "no-giver" }, asked: givers });
    expect(town.count("addlink")).toBe(givers.length);
    expect(town.community.site.state.mails).toEqual([]);
  });

  test("is found on the node's page when the answer cannot be read", async () => {
    const town = new Town();
    const device = await town.register();
    town.answering("addlink", true, { status: 200, body: Buffer.from("Fatal error") });
    expect((await town.link(device)).linked).toMatchObject({ address: { ipv4: UPLINK.next } });
    expect(town.count("addlink")).toBe(1);
  });

  test("is missing when the answer cannot be read and the page shows none", async () => {
    const town = new Town();
    const device = await town.register();
    town.answering("addlink", false, { status: 200, body: Buffer.from("Fatal error") });
    expect(await failureOf(() => town.link(device))).toMatchObject({
      code: "api-reply-invalid",
      found: "not the expected JSON",
    });
  });

  test("is not requested from a full subnet again, since the site would add a link each time", async () => {
    const town = new Town();
    const node = NODES.full;
    const device = await town.register({ node });
    await town.link(device, { node });
    const links = town.community.boxes[0]?.interfaces.length;
    expect(links).toBe(2);
    expect((await town.link(device, { node })).asked).toEqual([]);
    expect(town.community.boxes[0]?.interfaces).toHaveLength(2);
  });

  test.each([
    [
      "own",
      "48401",
      "giver-unknown",
      "The node BCNCanBruixa20 has no device 48401 with an address by cable.",
    ],
    ["foreign", "48410", "api-forbidden", "The community's web site does not let this member do that."],
    [
      "airOnly",
      "48430",
      "giver-unknown",
      "The node BCNTerrat5 has no device 48430 with an address by cable.",
    ],
    ["full", "48440", "giver-full", "The device BCNPlena1Rd1 has no address left to give."],
  ] as const)(
    "is required from a chosen device, and the registration fails without it (%s %s)",
    async (name, from, code, message) => {
      const town = new Town();
      const node = NODES[name];
      const device = await town.register({ node });
      expect(await failureOf(() => town.link(device, { node, from }))).toMatchObject({ code, message });
    },
  );

  test("is given by the chosen device", async () => {
    const town = new Town();
    const device = await town.register();
    const { linked } = await town.link(device, { from: String(UPLINK.device) });
    expect(linked).toMatchObject({ address: { ipv4: UPLINK.next } });
  });
});

describe("a service at the site", () => {
  const proxy = { type: "Proxy", name: "guifi-proxy", nick: "prx1" };
  async function town({ node = NODES.own as number } = {}) {
    const made = new Town();
    const device = await made.register({ node });
    await made.link(device, { node });
    await remember(made.box, { node: { id: node, name: "n" }, device });
    return { made, device };
  }

  test("is declared once, recorded, and found again when the record is lost", async () => {
    const { made, device } = await town();
    const id = await declareService(made.as(), proxy);
    expect((await readRegistration(made.box)).services).toEqual({ prx1: { id, type: "Proxy" } });
    await remember(made.box, { services: undefined });
    expect(await declareService(made.as(), proxy)).toBe(id);
    const own = made.community.site.state.services.filter((service) => service.device === device.id);
    expect(own).toMatchObject([{ id, title: "prx1", type: "Proxy", name: "guifi-proxy" }]);
    expect((await readRegistration(made.box)).services).toEqual({ prx1: { id, type: "Proxy" } });
  });

  test("is found on the node's page when the answer cannot be read, and declared once", async () => {
    const { made } = await town();
    made.answering("service.add", true, { status: 200, body: Buffer.from("Fatal error") });
    const id = await declareService(made.as(), proxy);
    expect((await readRegistration(made.box)).services).toEqual({ prx1: { id, type: "Proxy" } });
    expect(made.count("service.add")).toBe(1);
  });

  test("is not recorded when the site numbers but does not store it", async () => {
    const { made } = await town();
    const nick = "n".repeat(41);
    expect(await failureOf(() => declareService(made.as(), { ...proxy, nick }))).toMatchObject({
      code: "api-reply-invalid",
      found: `the page of the node does not show the new service ${nick}`,
    });
    expect((await readRegistration(made.box)).services).toBeUndefined();
  });

  test("needs an address", async () => {
    const { made } = await town({ node: NODES.bare });
    expect(await failureOf(() => declareService(made.as(), proxy))).toMatchObject({
      code: "box-without-address",
      hint: "cbox node setup",
    });
  });

  test("needs a registered box", async () => {
    const made = new Town();
    expect(await failureOf(() => declareService(made.as(), proxy))).toMatchObject({
      code: "box-unregistered",
    });
    await remember(made.box, { node: { id: NODES.own, name: "n" }, device: { id: 1, name: "gone" } });
    expect(await failureOf(() => declareService(made.as(), proxy))).toMatchObject({
      code: "box-unregistered",
    });
  });

  test("is refused for a type that the site does not know", async () => {
    const { made } = await town();
    expect(await failureOf(() => declareService(made.as(), { ...proxy, type: "Teapot" }))).toMatchObject({
      code: "api-rejected",
      found: "This server type is not defined. (403)",
    });
  });
});

describe("the record on the box", () => {
  test("is empty when it is damaged", async () => {
    const box = new FakeBox();
    for (const text of ["", "[]", "null", "5", "{"]) {
      box.files.set(paths.guifi, text);
      expect(await readRegistration(box)).toEqual({});
    }
  });

  test("is not written without a change, and not made by a removal", async () => {
    const box = new FakeBox();
    await remember(box, { member: undefined });
    expect(box.files.has(paths.guifi)).toBe(false);
    await remember(box, { member: { name: "anna", confirmed_by: "directory" } });
    const writes = box.everWritten.length;
    await remember(box, { member: { name: "anna", confirmed_by: "directory" } });
    expect(box.everWritten).toHaveLength(writes);
    await remember(box, { member: undefined });
    expect(JSON.parse(box.files.get(paths.guifi) ?? "")).toEqual({});
  });
});

test("registering never touches other devices of the network", async () => {
  const town = new Town();
  const before = JSON.stringify(
    allDevices(town.community.site.state).filter(({ type }) => type !== "cloudy"),
  );
  await town.register({ node: NODES.bare });
  const after = JSON.stringify(allDevices(town.community.site.state).filter(({ type }) => type !== "cloudy"));
  expect(after).toBe(before);
});
