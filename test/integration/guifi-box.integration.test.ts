// SPDX-License-Identifier: GPL-3.0-or-later
// A box's steps "member" and "node" against real servers: slapd as main and backup, and the stand-in for the site over
// HTTPS, both with certificates of the lab's authority; then with each of them broken.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { BoxOrder, BoxResult } from "../lab/box-steps.ts";
import { fault } from "../lab/faults/index.ts";
import { addedDevices, addressesOf, SITE_HOST, siteState } from "../lab/guifi-site/reader.ts";
import { NODES, UPLINK } from "../lab/guifi-site/seed.ts";
import { dns } from "../lab/hosts/dns.ts";
import { guifiSite } from "../lab/hosts/guifi-site.ts";
import { ldap } from "../lab/hosts/ldap.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import { labMember, MEMBERS } from "../lab/members.ts";
import { bundleProgram } from "../lab/program.ts";
import { serverLog } from "../lab/server.ts";

const NAME = "guifibox";
const MAC = "52:54:00:12:34:56";
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
      ldap("ldap", "10.139.40.30", 0),
      ldap("ldap2", "10.139.40.32", 1),
      guifiSite(SITE_HOST, "10.139.40.31"),
      { name: "box", address: "10.139.40.50" },
    ],
  });
  writeFileSync(join(lab.place("box").directory, "box.mjs"), await bundleProgram("test/lab/box-steps.ts"));
});

afterAll(async () => {
  await labDown(NAME);
});

async function box(order: Partial<BoxOrder>): Promise<BoxResult> {
  const whole = { community, mac: MAC, authority: lab.authority(), ...order };
  const { code, stdout, stderr } = await lab.run("box", ["node", "/srv/box.mjs", JSON.stringify(whole)]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as BoxResult;
}

const signIn = (username: string, password = labMember(username).password) => ({ username, password });
const node = { id: NODES.own, accept_licence: true, notes: "In the library" };
const devices = () => addedDevices(siteState(lab)!);
const binds = (server: string) =>
  serverLog(lab.place(server).directory)
    .split("\n")
    .filter((line) => /BIND dn=|RESULT tag=97/.test(line));

async function during<T>(name: string, work: () => Promise<T>): Promise<T> {
  await fault(lab, name, true);
  try {
    return await work();
  } finally {
    await fault(lab, name, false);
  }
}

describe("a box with working servers", () => {
  test.each(MEMBERS.map((each) => [each.name, each] as const))("signs in %s", async (name, each) => {
    const { member, kept } = await box({ member: signIn(name), isNew: true });
    expect(member.found).toEqual(
      each.inDirectory ? {} : { notes: [{ key: "look-up.member.directory-refused", values: {} }] },
    );
    expect(kept.member).toEqual({ name, confirmed_by: each.inDirectory ? "directory" : "web-site" });
  });

  test("is refused by directory and site for a wrong password, with result 49 in slapd's log", async () => {
    const { member, kept } = await box({ member: signIn("anna", "mistyped"), isNew: true });
    expect(member.found.problems).toMatchObject([{ code: "sign-in-refused" }]);
    expect(member.trouble).toMatchObject({ code: "member-refused" });
    expect(kept).toEqual({});
    expect(binds("ldap").slice(-2).join("\n")).toMatch(
      /BIND dn="uid=anna,o=webusers,dc=guifi,dc=net".*\n.*RESULT tag=97 err=49/,
    );
  });

  test("never sends an empty password to slapd, which would be an anonymous bind", async () => {
    const before = binds("ldap").length;
    const { member } = await box({ member: signIn("anna", ""), isNew: true });
    expect(member.trouble).toMatchObject({ code: "member-refused" });
    expect(binds("ldap")).toHaveLength(before);
  });

  test("becomes one device with an address, however often it is set up", async () => {
    const first = await box({ member: signIn("anna"), node, isNew: true });
    expect(first.node).toMatchObject({
      found: { confirm: { values: { id: NODES.own, name: "BCNCanBruixa20" } } },
      warnings: [{ code: "node-address-differs", values: { address: UPLINK.next } }],
    });
    expect(devices()).toMatchObject([
      {
        title: "BCNCanBruixa20-box",
        type: "cloudy",
        status: "Testing",
        mac: MAC,
        notification: "anna@example.net",
      },
    ]);
    expect(devices().flatMap(addressesOf)).toEqual([UPLINK.next]);
    const again = await box({ member: signIn("anna"), node });
    const anew = await box({ member: signIn("anna"), node, isNew: true });
    expect([again.kept, anew.kept]).toEqual([first.kept, first.kept]);
    expect(devices().flatMap(addressesOf)).toEqual([UPLINK.next]);
  });

  test("of another member, with special characters in the password, becomes another device", async () => {
    const { node: result, kept } = await box({
      member: signIn("bernat"),
      node: { ...node, name: "BCNCanBruixa20-box" },
      mac: "52:54:00:65:43:21",
      isNew: true,
    });
    expect(kept.device?.name).toBe("BCNCanBruixa20-box-2");
    expect(result?.warnings?.map(({ code }) => code)).toEqual(["node-renamed", "node-no-address"]);
    expect(devices()).toHaveLength(2);
  });

  test("leaves no password in a server's log of binds, and stores none", async () => {
    const files = await lab.run("box", ["grep", "-r", "-l", labMember("anna").password, "/srv/box"]);
    expect(files.stdout).toBe("");
    expect(readFileSync(join(lab.place("ldap").directory, "log"), "utf8")).not.toContain(
      labMember("anna").password,
    );
  });
});

describe("a box with failing servers", () => {
  test("uses the backup when the main directory refuses connections", async () => {
    const { member } = await during("ldap-main-down", () => box({ member: signIn("anna"), isNew: true }));
    expect(member).toMatchObject({ found: {}, warnings: [] });
    expect(binds("ldap2").slice(-1)[0]).toContain("err=0");
  });

  test("uses the backup after two seconds when the main directory does not answer", async () => {
    const { member } = await during("ldap-main-silent", () => box({ member: signIn("anna"), isNew: true }));
    expect(member).toMatchObject({ found: {}, warnings: [] });
    expect(member.took).toBeGreaterThan(1900);
    expect(member.took).toBeLessThan(5000);
  });

  test.each(["ldap-down", "ldap-bad-certificate"])("relies on the web site during %s", async (name) => {
    const { member, kept } = await during(name, () => box({ member: signIn("anna"), isNew: true }));
    expect(member.found).toEqual({ notes: [{ key: "look-up.member.directory-silent", values: {} }] });
    expect(member.warnings).toEqual([{ code: "member-by-web-site" }]);
    expect(kept.member?.confirmed_by).toBe("web-site");
  });

  test("trusts no server without the lab's authority, and sends the password to none", async () => {
    const before = binds("ldap").length;
    const { member } = await box({ member: signIn("anna"), authority: "", isNew: true });
    expect(member.found).toEqual({ notes: [{ key: "look-up.member.silent", values: {} }] });
    expect(member.trouble).toMatchObject({ code: "member-unasked" });
    expect(member.trouble?.found).toMatch(/certificate of (ldap2?\.)?guifi\.net cannot be trusted/);
    expect(binds("ldap")).toHaveLength(before);
  });

  test.each([
    ["api-500", "api-"],
    ["api-502", "api-logged-out"],
    ["api-garbage", "api-reply-invalid"],
    ["api-hostile", "api-rejected"],
    ["api-bad-certificate", "server-untrusted"],
    ["api-down", "server-unreachable"],
  ])("reports %s with a message, and completes when it ends", async (name, code) => {
    const count = devices().length;
    const { member, node: result } = await during(name, () =>
      box({ member: signIn("anna"), node, isNew: true }),
    );
    expect(member.warnings).toEqual([]);
    expect(result?.trouble?.code).toContain(code);
    expect(result?.trouble?.hint).toBeTruthy();
    expect(JSON.stringify(result)).not.toMatch(/command=|vilanova/);
    expect((await box({ member: signIn("anna"), node })).node?.trouble).toBeUndefined();
    expect(devices()).toHaveLength(count);
  });

  test("makes nothing twice at a site that completes a request but answers too late", async () => {
    const count = devices().length;
    const { node: result } = await during("api-slow", () =>
      box({ member: signIn("anna"), node, isNew: true }),
    );
    expect(result?.trouble).toMatchObject({ code: "server-slow" });
    expect(result?.found).toMatchObject({ notes: [{ key: "look-up.node.silent" }] });
    expect((await box({ member: signIn("anna"), node })).node?.trouble).toBeUndefined();
    expect(devices()).toHaveLength(count);
  });
});
