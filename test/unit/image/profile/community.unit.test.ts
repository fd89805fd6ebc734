// SPDX-License-Identifier: GPL-3.0-or-later
// Community files: the shipped example, and what a mistake in one's own says.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROFILES } from "../../../../image/host/paths.ts";
import { loadCommunity } from "../../../../image/profile/index.ts";
import { failureOf } from "../../../failure-of.ts";

const example = readFileSync(join(PROFILES, "communities/guifi.yaml"), "utf8");

describe("the Guifi example", () => {
  it("has the settings that existing Cloudy boxes and Guifi's servers expect", () => {
    expect(loadCommunity("guifi")).toMatchObject({
      id: "guifi",
      ldap: { servers: ["ldaps://ldap.guifi.net", "ldaps://ldap2.guifi.net"], tls: { verify: true } },
      vpn: {
        enabled_by_default: true,
        network: "guifi",
        network_key: "guifi",
        rendezvous: [{ url: "http://10.139.40.84/index.php", form: "getinconf" }],
      },
      serf: { port: 5000, profile: "wan", bootstrap: ["10.139.40.22:5000"], tag_budget_bytes: 512 },
      default_language: "ca",
      address_ranges: ["10.0.0.0/8"],
    });
  });

  it("cannot be modified after loading", () => {
    expect(() => Object.assign(loadCommunity("guifi").serf, { port: 1 })).toThrow(TypeError);
  });
});

describe("a custom community file", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "cbox-community-"));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const mistake = (text: string) => {
    const path = join(dir, "mine.yaml");
    writeFileSync(path, text);
    return failureOf(() => loadCommunity(path));
  };

  it("is loaded by its path", () => {
    writeFileSync(join(dir, "mine.yaml"), example.replace("title: Guifi.net", "title: Mine"));
    expect(loadCommunity(join(dir, "mine.yaml")).title).toBe("Mine");
  });

  it("that does not exist is reported: community-unknown", async () => {
    expect(await failureOf(() => loadCommunity("giufi"))).toMatchObject({
      code: "community-unknown",
      message: 'There is no community "giufi"; did you mean "guifi"?',
      found: "the communities guifi",
      hint: "name one of these, or the path of your own file: --community ./my-community.yaml",
    });
    expect(await failureOf(() => loadCommunity(`${dir}/none.yaml`))).toMatchObject({
      code: "community-unknown",
      message: `There is no community file ${dir}/none.yaml.`,
      hint: "copy profiles/communities/guifi.yaml there and change it",
    });
  });

  it("with mistakes is refused, with the line of each: community-invalid", async () => {
    const failure = await mistake(
      example
        .replace("ldaps://ldap2.guifi.net", "ldap://ldap2.guifi.net")
        .replace("10.139.40.22:5000", "10.139.40.22")
        .replace("timezone: Europe/Madrid", "time_zone: Europe/Madrid"),
    );
    const line = (text: string) => example.split("\n").findIndex((candidate) => candidate.includes(text)) + 1;
    expect(failure.code).toBe("community-invalid");
    expect(failure.message).toBe(`The community file ${dir}/mine.yaml has 4 mistakes.`);
    expect(failure.hint).toBe("profiles/communities/guifi.yaml is a complete example with comments");
    const found = failure.found?.replaceAll(`${dir}/`, "").split("\n  - ").slice(1);
    const expected = [
      'mine.yaml:1: timezone: expected a time zone such as Europe/Madrid, found nothing. Add "timezone".',
      expect.stringMatching(
        new RegExp(`^mine.yaml:${line("timezone: E")}: time_zone: .* Did you mean "timezone"\\?$`),
      ),
      `mine.yaml:${line("ldap2")}: ldap.servers[1]: expected an address such as ldaps://ldap.example.net (unencrypted ldap:// is not used), found "ldap://ldap2.guifi.net".`,
      `mine.yaml:${line("10.139.40.22")}: serf.bootstrap[0]: expected an address or name with a port, such as 10.139.40.22:5000, found "10.139.40.22".`,
    ];
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  it("is refused for wrong VPN ranges and wrong keys of gateways, each named", async () => {
    const vpn = (lines: string) => example.replace("\n  network: guifi\n", `\n  network: guifi\n${lines}`);
    writeFileSync(
      join(dir, "mine.yaml"),
      vpn(`  ranges: [10.228.0.0/16, 172.16.0.0/12]\n  gateways: { gw_1: "${"0a".repeat(32)}" }\n`),
    );
    expect(loadCommunity(join(dir, "mine.yaml")).vpn).toMatchObject({
      ranges: ["10.228.0.0/16", "172.16.0.0/12"],
      gateways: { gw_1: "0a".repeat(32) },
    });
    const range = (text: string) =>
      `expected an IPv4 range with a prefix from 8 to 30, such as 10.228.0.0/16, found "${text}".`;
    const { code, found = "" } = await mistake(
      vpn(
        '  ranges: [10.0.0.0/7, 10.1.2.3, 10.256.0.0/16, "fd00::/64"]\n  gateways: { a-b: "00", ok: "0A" }\n',
      ),
    );
    expect(code).toBe("community-invalid");
    for (const text of ["10.0.0.0/7", "10.1.2.3", "10.256.0.0/16", "fd00::/64"])
      expect(found).toContain(range(text));
    expect(found).toContain("vpn.gateways.ok: expected a SHA-256 in 64 hexadecimal digits, in lower case");
    expect(found).toContain("a-b");
  });

  it("that is not YAML is refused: yaml-invalid", async () => {
    expect(await mistake("id: [mine\n")).toMatchObject({
      code: "yaml-invalid",
      message: `${dir}/mine.yaml is not valid YAML.`,
    });
  });
});
