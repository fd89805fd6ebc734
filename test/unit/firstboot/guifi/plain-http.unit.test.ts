// SPDX-License-Identifier: GPL-3.0-or-later
// A member's password and the way it takes: no address by which it can be read unless the community says so in so many words,
// and then the person is told before the password is typed.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { isReadable } from "../../../../common/plain-http.ts";
import { leave } from "../../../../firstboot/commands/node.ts";
import { converse } from "../../../../firstboot/console/wizard.ts";
import { GuifiApi } from "../../../../firstboot/guifi/api.ts";
import { askDirectory } from "../../../../firstboot/guifi/directory.ts";
import { remember } from "../../../../firstboot/guifi/store.ts";
import type { ImageInfo } from "../../../../firstboot/host/image-info.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { StepTools } from "../../../../firstboot/setup/step.ts";
import { member } from "../../../../firstboot/steps/member/index.ts";
import { PROFILES } from "../../../../image/host/paths.ts";
import { loadCommunity } from "../../../../image/profile/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";
import { Person } from "../../helpers/person.ts";

const ANNA = { username: "anna", password: "four wet goats sing" };
const PLAIN_URL = "http://members.example.net/api";
const UNENCRYPTED =
  "Your password goes to guifi.net unencrypted, as the community has it: whoever is on the way can read it.";
const UNVERIFIED = "The box does not check who answers for guifi.net's directory";

type CommunityInfo = ImageInfo["community"];
const imageOf = (change: Partial<CommunityInfo>): ImageInfo => ({
  ...IMAGE,
  community: { ...IMAGE.community, default_language: "en", ...change },
});
const plainApi = (allowed?: boolean) => ({
  ...IMAGE.community.api,
  ...{ url: PLAIN_URL, auth_url: `${PLAIN_URL}/auth` },
  ...(allowed === undefined ? {} : { plain_http: allowed }),
});
const allowed = imageOf({ api: plainApi(true) });
const unverified = imageOf({ ldap: { ...IMAGE.community.ldap, tls: { verify: false } } });

let box: FakeBox;
beforeEach(() => {
  box = new FakeBox();
});

it.each([
  ["https://guifi.net/api", false],
  ["ldaps://ldap.guifi.net", false],
  ["http://localhost:8080/api", false],
  ["http://127.0.0.1/api", false],
  ["http://[::1]:80/api", false],
  ["http://guifi.net/api", true],
  ["http://10.1.2.3/api", true],
  ["http://localhost.example.net/", true],
  ["http://127.0.0.1.example.net/", true],
  ["ldap://ldap.guifi.net", true],
])("%s exposes passwords in transit: %s", (url, expected) => {
  expect(isReadable(url)).toBe(expected);
});

describe("a community file", () => {
  const example = readFileSync(join(PROFILES, "communities/guifi.yaml"), "utf8");
  const load = (from: string, to: string) => {
    const path = join(temporaryDirectory(), "mine.yaml");
    expect(example).toContain(from);
    writeFileSync(path, example.replace(from, to));
    return loadCommunity(path);
  };

  it.each([
    ["api.url", "url: https://guifi.net/api\n", "url: http://guifi.net/api\n"],
    ["api.auth_url", "https://guifi.net/api/auth", "http://127.0.0.1.example.net/api/auth"],
    ["api.url", "url: https://guifi.net/api\n", "url: http://guifi.net/api\n  plain_http: false\n"],
  ])("is refused with %s, which exposes passwords", async (field, from, to) => {
    const failure = await failureOf(() => load(from, to));
    expect(failure.code).toBe("community-invalid");
    expect(failure.found).toContain(
      `${field}: expected an address with https, since the members' passwords go there (http only with plain_http: true beside it), found "http://`,
    );
  });

  it.each([
    ["url: https://guifi.net/api\n", "url: http://guifi.net/api\n  plain_http: true\n"],
    ["https://guifi.net/api/auth", "http://127.0.0.1:8080/api/auth"],
    ["cnml_url: https:", "cnml_url: http:"],
  ])("with %j is accepted as %j", (from, to) => {
    expect(load(from, to).id).toBe("guifi");
  });
});

describe("the box", () => {
  test("sends no password to an unencrypted site or directory", async () => {
    const site = await failureOf(() => new GuifiApi(box, imageOf({ api: plainApi() }), ANNA).logIn());
    expect(site).toMatchObject({ code: "password-unencrypted", found: "http://members.example.net" });
    const ldap = { ...IMAGE.community.ldap, servers: ["ldap://ldap.example.net"] };
    expect(await failureOf(() => askDirectory(box, imageOf({ ldap }), ANNA))).toMatchObject({
      code: "password-unencrypted",
      found: "ldap://ldap.example.net",
    });
    expect(box.effects.filter((effect) => /^(POST|GET|bind) /.test(effect))).toEqual([]);
  });

  test("contacts an unencrypted site where the community allows it", async () => {
    await failureOf(() => new GuifiApi(box, allowed, ANNA).logIn());
    expect(box.effects).toEqual(["POST members.example.net"]);
  });

  test.each([
    ["unencrypted", allowed, "member-plain-http"],
    ["to whoever answers", unverified, "member-unverified"],
  ])("reports after a set-up by a file that the password was sent %s", async (_what, image, code) => {
    await remember(box, { member: { name: "anna", confirmed_by: "directory" } });
    const tools = { box, image } as unknown as StepTools;
    expect(await member.verify({ sign_in: "now", username: "anna" }, tools)).toEqual([
      { code, values: { website: "guifi.net" } },
    ]);
    expect(await member.verify({ sign_in: "later" }, tools)).toEqual([{ code: "member-later" }]);
  });

  test("warns in cbox node leave before it asks", async () => {
    const said: string[] = [];
    const node = { id: 1, name: "here" };
    await remember(box, {
      member: { name: "anna", confirmed_by: "directory" },
      ...{ node, device: { id: 2, name: "can-box" } },
    } as Parameters<typeof remember>[1]);
    const ask = async (question: string) => {
      said.push(question);
      return "";
    };
    const print = (line: string) => void said.push(line);
    const tools = { box, image: allowed, t: translator("en"), print, ask };
    await failureOf(() => leave(tools, { isSure: true }));
    expect(said.slice(0, 3)).toEqual([
      UNENCRYPTED,
      "User name of the member (anna):",
      "Password of the member:",
    ]);
  });
});

describe("the console", () => {
  let away = new AbortController();
  let talk: Promise<unknown>;

  afterEach(async () => {
    away.abort();
    await talk;
  });

  async function atPassword(image: ImageInfo): Promise<string> {
    const runner = await SetupRunner.open({ box, image, steps: [member], log: openLog(box) });
    runner.start();
    await runner.reached("welcome");
    const person = new Person();
    away = new AbortController();
    talk = converse({ runner, terminal: person.terminal, signal: away.signal }).catch(
      (error: unknown) => error,
    );
    await person.answers("member/sign_in", "1");
    await person.answers("member/username", "anna");
    const before = person.screen.length;
    await person.sees("[member/password]");
    return person.screen.slice(before - person.screen.length).replace(/\s+/g, " ");
  }

  test.each([
    ["a site without encryption", allowed, UNENCRYPTED],
    ["a directory that is not checked", unverified, UNVERIFIED],
  ])("warns of %s before the password is typed", async (_what, image, sentence) => {
    expect(await atPassword(image)).toContain(sentence);
  });

  test("shows no warning for an encrypted one", async () => {
    const shown = await atPassword(imageOf({}));
    expect(shown).not.toContain("on the way");
  });
});
