// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the lab that only read and decide.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostProcess } from "../../../image/host/process.ts";
import { FAULTS } from "../../lab/faults/index.ts";
import { LAB_HOSTS } from "../../lab/hosts/index.ts";
import { escapeRdn } from "../../lab/hosts/ldap.ts";
import { removeAbandoned } from "../../lab/lab.ts";
import { labMember, MEMBERS } from "../../lab/members.ts";
import { PROXY_READER, PROXY_USERS } from "../../lab/proxy-users.ts";
import { READERS } from "../../lab/readers/index.ts";
import { nameIn, parseBinds } from "../../lab/readers/signed-in.ts";
import { claimRecord, readRecord, removeRecord } from "../../lab/record.ts";

describe("a member's name in the directory", () => {
  test("is escaped as RFC 4514 says", () => {
    expect(escapeRdn("Pere Mas_i.Pla")).toBe("Pere Mas_i.Pla");
    expect(escapeRdn("#roca, maria+josep")).toBe("\\#roca\\, maria\\+josep");
    expect(escapeRdn(' a"b\\c<d>e;f=g ')).toBe('\\ a\\"b\\\\c\\<d\\>e\\;f\\=g\\ ');
  });

  test("is read back, whatever it contains", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (name) => {
        expect(nameIn(`uid=${escapeRdn(name)},o=webusers,dc=guifi,dc=net`)).toBe(name);
      }),
    );
  });

  test("is read back as slapd writes it, with bytes in hexadecimal", () => {
    expect(nameIn("uid=\\23roca\\2C maria\\2Bjosep,o=webusers")).toBe("#roca, maria+josep");
    expect(nameIn("uid=n\\C3\\BAria,o=webusers")).toBe("núria");
    expect(nameIn("uid=a\\\\AB,o=webusers")).toBe("a\\AB");
    expect(nameIn("")).toBe("");
  });
});

describe("binds in slapd's log", () => {
  const log = [
    "6b051e25.19f00000 0x7f157d3fd6c0 conn=1000 fd=10 ACCEPT from IP=10.139.40.100:51024 (IP=0.0.0.0:636)",
    '6b051e25.19f488d9 0x7f157d3fd6c0 conn=1000 op=0 BIND dn="uid=anna,o=webusers,dc=guifi,dc=net" method=128',
    "6b051e25.19f60b28 0x7f157d3fd6c0 conn=1001 fd=11 ACCEPT from IP=10.139.40.101:4 (IP=0.0.0.0:636)",
    '6b051e25.19f60b28 0x7f157d3fd6c0 conn=1001 op=0 BIND dn="uid=\\22,o=webusers" method=128',
    "6b051e26.19f71168 0x7f157d3fd6c0 conn=1001 op=0 RESULT tag=97 err=49 qtime=0.000025 etime=0.000223 text=",
    "6b051e26.19f71168 0x7f157d3fd6c0 conn=1000 op=0 RESULT tag=97 err=0 qtime=0.000025 etime=0.000223 text=",
    "6b051e27.19f9ee1c 0x7f157dbfe6c0 conn=1000 op=1 SEARCH RESULT tag=101 err=32 nentries=0 text=",
  ];

  test("are listed with their results and addresses", () => {
    expect(parseBinds(log.join("\n"))).toEqual([
      { dn: "uid=\\22,o=webusers", result: 49, from: "10.139.40.101", at: new Date(0x6b051e26 * 1000) },
      {
        dn: "uid=anna,o=webusers,dc=guifi,dc=net",
        result: 0,
        from: "10.139.40.100",
        at: new Date(0x6b051e26 * 1000),
      },
    ]);
  });

  test("are left out without a name or without a result", () => {
    expect(parseBinds(log.slice(0, 2).join("\n"))).toEqual([]);
    const anonymous = log.join("\n").replaceAll(/dn="[^"]*"/g, 'dn=""');
    expect(parseBinds(anonymous)).toEqual([]);
    expect(parseBinds("")).toEqual([]);
  });
});

describe("the inventory of the lab", () => {
  test.each([
    ["hosts", LAB_HOSTS],
    ["members", [...MEMBERS, ...PROXY_USERS, PROXY_READER]],
    ["faults", FAULTS],
    ["readers", READERS],
  ])("gives each of its %s a name of its own", (_, all) => {
    const names = all.map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  test("has members for each case of a failing login", () => {
    expect(MEMBERS.some(({ inDirectory, inSite }) => inSite && !inDirectory)).toBe(true);
    expect(MEMBERS.some(({ inDirectory, inSite }) => inDirectory && !inSite)).toBe(true);
    expect(MEMBERS.some(({ password }) => /[+]/.test(password) && /[%]/.test(password))).toBe(true);
    expect(MEMBERS.some(({ name }) => escapeRdn(name) !== name)).toBe(true);
    expect(labMember("anna").inDirectory).toBe(true);
    expect(() => labMember("nobody")).toThrow("The lab has no member called nobody.");
  });
});

test("a new lab removes one whose process ended during its set-up, and spares one being set up", async () => {
  const starting = hostProcess()!;
  const record = { starting, root: "/nowhere", servers: [], boxes: [], faults: [] };
  const [ended, going] = ["unitended", "unitgoing"];
  try {
    claimRecord(ended, { ...record, starting: { ...starting, started: "long ago" } });
    claimRecord(going, record);
    await removeAbandoned();
    expect([readRecord(ended), readRecord(going)]).toEqual([undefined, record]);
  } finally {
    for (const name of [ended, going]) removeRecord(name);
  }
});
