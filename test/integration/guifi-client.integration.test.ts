// SPDX-License-Identifier: GPL-3.0-or-later
// A box registers itself at the lab's web site with its real client, over TLS: each way it can go, each fault, and each
// moment at which the box can die. Whatever happened: one device, one address.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { paths } from "../../firstboot/host/paths.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { authorityCertificate } from "../lab/authority.ts";
import type { ClientLine } from "../lab/box-client.ts";
import { siteFaults } from "../lab/guifi-site/faults.ts";
import { addedDevices, addressesOf, SITE_HOST, siteState } from "../lab/guifi-site/reader.ts";
import { NODES, UPLINK } from "../lab/guifi-site/seed.ts";
import { interfacesOf } from "../lab/guifi-site/state.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { bundleProgram } from "../lab/program.ts";
import { serverLog, spawnInside } from "../lab/server.ts";
import { IMAGE } from "../unit/helpers/fake-box.ts";

const NAME = "clienttest";
const HOST = "box";
const MAC = "52:54:00:12:34:56";
const PROGRAM = "client.mjs";
const community = loadCommunity("guifi");

let lab: Lab;

beforeAll(async () => {
  await labDown(NAME);
  lab = await labUp({
    name: NAME,
    root: await labRoot(),
    community,
    hosts: [
      dns("dns", "10.139.40.1"),
      guifiSite(SITE_HOST, "10.139.40.31"),
      { name: HOST, address: "10.139.40.50" },
    ],
  });
  writeFileSync(join(lab.place(HOST).directory, PROGRAM), await bundleProgram("test/lab/box-client.ts"));
});

afterAll(async () => {
  await labDown(NAME);
});

/** A box as it comes out of the image, with the lab's authority as its owner would give it. */
function newBox(name: string, mac = MAC): void {
  const files = {
    [paths.imageInfo]: JSON.stringify({ ...IMAGE, community }),
    [paths.authorities]: authorityCertificate(NAME),
    "/sys/class/net/eth0/type": "1\n",
    "/sys/class/net/eth0/address": `${mac}\n`,
    "/sys/class/net/eth0/carrier": "1\n",
    "/sys/class/net/eth0/device/vendor": "0x1af4\n",
  };
  for (const [path, text] of Object.entries(files)) {
    const at = join(lab.place(HOST).directory, name, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
  }
}

function forget(name: string): void {
  rmSync(join(lab.place(HOST).directory, name, paths.guifi), { force: true });
}

interface Wanted {
  readonly box?: string;
  readonly member?: string;
  readonly node?: Record<string, string | number | boolean>;
  readonly what?: "register" | "look-up";
  /** Told of each line; true pulls the plug. */
  readonly cutAt?: (line: ClientLine) => boolean;
}

/** Runs the box's client to its end, or to the end of the box. */
async function run({ box = "box", member = "anna", node = {}, what, cutAt }: Wanted = {}) {
  const answers = {
    member: { username: member, password: labMember(member).password },
    node: { id: NODES.own, accept_licence: true, ...node },
  };
  const words = [`/srv/${box}`, what ?? "register", JSON.stringify(answers)];
  const child = spawnInside(lab.place(HOST), ["node", `/srv/${PROGRAM}`, ...words]);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines: ClientLine[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as ClientLine;
    lines.push(line);
    if (cutAt?.(line)) child.kill("SIGKILL");
  }
  await ended;
  return lines;
}

const last = (lines: readonly ClientLine[]) => lines.at(-1);

/** What the site knows of boxes since the beginning of the test: name, addresses, and empty interfaces. */
function boxes() {
  return addedDevices(siteState(lab)!).map((device) => ({
    name: device.title,
    addresses: addressesOf(device),
    interfaces: interfacesOf(device).length,
  }));
}

const registered = (address: string = UPLINK.next, name = "BCNCanBruixa20-box") => ({
  done: expect.objectContaining({
    node: { id: NODES.own, name: "BCNCanBruixa20" },
    device: expect.objectContaining({ name, mac: MAC, address, mask: "255.255.255.224" }),
  }),
  warnings: [expect.objectContaining({ code: "node-address-differs" })],
});
const ONE = [{ name: "BCNCanBruixa20-box", addresses: [UPLINK.next], interfaces: 1 }];

/** The site as at the beginning, and a new box. */
beforeEach(async () => {
  await lab.change(SITE_HOST, "anew", { isDown: true });
  const { files } = (await guifiSite(SITE_HOST, "10.139.40.31").server!(community, [])) ?? {};
  writeFileSync(join(lab.place(SITE_HOST).directory, "state.json"), files?.["state.json"] ?? "");
  await lab.change(SITE_HOST, "anew", undefined);
  rmSync(join(lab.place(HOST).directory, "box"), { recursive: true, force: true });
  newBox("box");
});

describe("a box at the site", () => {
  test("sees whose node it is before anything is changed", async () => {
    const lines = await run({ what: "look-up" });
    expect(JSON.stringify(last(lines))).toContain("BCNCanBruixa20");
    const unknown = await run({ what: "look-up", node: { id: 1 } });
    expect(JSON.stringify(last(unknown))).toContain("node-unknown");
    expect(boxes()).toEqual([]);
  });

  test("becomes one device with one address, however often it registers", async () => {
    expect(last(await run())).toEqual(registered());
    expect(last(await run())).toEqual(registered());
    forget("box");
    expect(last(await run())).toEqual(registered());
    expect(boxes()).toEqual(ONE);
  });

  test("does not affect a second box beside it", async () => {
    await run();
    newBox("second", "52:54:00:65:43:21");
    expect(last(await run({ box: "second" }))).toMatchObject({
      done: { device: { name: "BCNCanBruixa20-box-2", address: "10.139.40.227" } },
    });
    expect(boxes()).toHaveLength(2);
  });

  test("registers for a member with a password of +, %, & and an accent, who may not use the node's addresses", async () => {
    expect(last(await run({ member: "bernat", node: { name: "bernats" } }))).toMatchObject({
      done: { device: { name: "bernats" } },
      warnings: [{ code: "node-no-address" }],
    });
    expect(boxes()).toEqual([{ name: "bernats", addresses: [], interfaces: 0 }]);
    const log = serverLog(lab.place(SITE_HOST).directory);
    expect(log).toContain("username=bernat&password=(redacted)");
  });

  test.each([
    ["foreign", { id: NODES.foreign }],
    ["bare", { id: NODES.bare }],
    ["on the air only", { id: NODES.airOnly }],
  ])("is registered without an address where no device gives one: %s", async (_, node) => {
    expect(last(await run({ node }))).toMatchObject({ warnings: [{ code: "node-no-address" }] });
    expect(boxes()).toMatchObject([{ addresses: [] }]);
  });

  test("does not ask a full network repeatedly", async () => {
    await run({ node: { id: NODES.full } });
    expect(last(await run({ node: { id: NODES.full } }))).toMatchObject({
      warnings: [{ code: "node-no-address" }],
    });
    expect(boxes()).toHaveLength(1);
    expect(boxes()[0]!.interfaces).toBeLessThanOrEqual(2);
  });

  test.each([
    ["foreign", { id: NODES.foreign, address_from: "48410" }, "api-forbidden"],
    ["on the air only", { id: NODES.airOnly, address_from: "48430" }, "giver-unknown"],
    ["full", { id: NODES.full, address_from: "48440" }, "giver-full"],
  ])("reports why the chosen device gives no address: %s", async (_, node, failed) => {
    expect(last(await run({ node }))).toMatchObject({ failed });
    expect(boxes()).toHaveLength(1);
  });

  test("reports that its member is unknown", async () => {
    expect(last(await run({ member: "oriol" }))).toMatchObject({ failed: "api-login-refused" });
    expect(boxes()).toEqual([]);
  });
});

describe("a box at a failing site", () => {
  const faults: Readonly<Record<string, string>> = {
    "api-500": "api-unavailable",
    "api-502": "api-logged-out",
    "api-slow": "server-slow",
    "api-garbage": "api-reply-invalid",
    "api-hostile": "api-rejected",
    "api-bad-certificate": "server-untrusted",
    "api-down": "server-unreachable",
  };

  test("is tested with every fault of the site", () => {
    expect(siteFaults.map(({ name }) => name).sort()).toEqual(Object.keys(faults).sort());
  });

  test.each(Object.entries(faults))(
    "reports during %s the failure %s, and registers when it is over",
    async (name, failed) => {
      const fault = siteFaults.find((one) => one.name === name)!;
      await fault.on(lab);
      const lines = await run();
      await fault.off(lab);
      expect(last(lines)).toMatchObject({ failed });
      expect(JSON.stringify(lines)).not.toContain(labMember("anna").password);
      expect(last(await run())).toEqual(registered());
      expect(boxes()).toEqual(ONE);
    },
  );

  const commands = ["guifi.auth.login", "guifi.cnml.clear", "guifi.device.add", "guifi.cloudy.addlink"];
  const kinds = {
    "api-500": "api-unavailable",
    "api-garbage:html": "api-reply-invalid",
    "api-garbage:truncated": "api-reply-invalid",
    "api-garbage:huge": "api-reply-invalid",
  };

  test.each(
    commands.flatMap((command) => Object.entries(kinds).map(([kind, code]) => [command, kind, code])),
  )("registers or fails cleanly when %s is answered with %s", async (command, kind, failed) => {
    await lab.change(SITE_HOST, "spoilt", { words: [`--fault=${kind}`, `--only=${command}`] });
    const lines = await run();
    await lab.change(SITE_HOST, "spoilt", undefined);
    // Half an answer is to something that was done, and the node's page tells.
    const isShown = kind.endsWith("truncated") && /device|addlink/.test(command);
    expect(last(lines)).toEqual(isShown ? registered() : expect.objectContaining({ failed }));
    forget("box");
    expect(last(await run())).toEqual(registered());
    expect(boxes()).toEqual(ONE);
  });

  test.each(["guifi.device.add", "guifi.cloudy.addlink"])(
    "completes %s that was done but answered too late",
    async (command) => {
      await lab.change(SITE_HOST, "spoilt", { words: ["--fault=api-slow", `--only=${command}`] });
      expect(last(await run())).toMatchObject({ failed: "server-slow" });
      await lab.change(SITE_HOST, "spoilt", undefined);
      expect(last(await run())).toEqual(registered());
      expect(boxes()).toEqual(ONE);
    },
  );
});

test("a box that ends at any point of its registration is registered once in the end", async () => {
  const whole = await run();
  const steps = whole.slice(0, -1);
  expect(steps.length).toBeGreaterThan(3);
  for (let place = 0; place < steps.length; place++) {
    let seen = 0;
    const lines = await run({ box: "box", cutAt: () => seen++ === place });
    expect(lines.length).toBeLessThan(whole.length + 1);
  }
  expect(last(await run())).toEqual(registered());
  expect(boxes()).toEqual(ONE);
});
