// SPDX-License-Identifier: GPL-3.0-or-later
// The parsers of first boot: addresses, host names, SSH keys, the output of ss and ip. Examples from the
// standards, and properties that hold for everything.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contains, formatIpv4, parseCidr, parseIpv4 } from "../../../../../common/ipv4.ts";
import { transliterate } from "../../../../../common/transliterate.ts";
import { listeningPorts, parseAddresses } from "../../../../../firstboot/host/network-facts.ts";
import { suggestOwnerName } from "../../../../../firstboot/steps/system/check.ts";
import { hostNameProblem, suggestHostName } from "../../../../../firstboot/steps/system/hostname.ts";
import { system } from "../../../../../firstboot/steps/system/index.ts";
import { formatSshKey, parseSshKey } from "../../../../../firstboot/steps/system/ssh-key.ts";
import { FakeBox, IMAGE } from "../../../helpers/fake-box.ts";

const anyAddress = fc.integer({ min: 0, max: 0xffffffff });

describe("the suggested owner's name", () => {
  test.each([
    ["Maria José", "maria-jose"],
    ["Łukasz", "lukasz"],
    ["anna.puig", "anna-puig"],
    ["  3 Núria ", "nuria"],
    ["root", undefined],
    ["123", undefined],
    ["", undefined],
  ])("for %j is %s", (typed, suggestion) =>
    expect(suggestOwnerName(typed, new Set(["root"]))).toBe(suggestion),
  );
});

describe("parsing IPv4", () => {
  test("is the inverse of formatting", () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
  });

  test.each([
    "",
    "10.1.2",
    "10.1.2.3.4",
    "10.1.2.256",
    "010.1.2.3",
    "10.1.2.-3",
    "10.1.2.3 ",
    "a.b.c.d",
    "١.١.١.١",
  ])("refuses %j as an address", (text) => expect(parseIpv4(text)).toBeUndefined());

  test("puts an address inside its own subnet, whose size is a power of two", () => {
    fc.assert(
      fc.property(anyAddress, fc.integer({ min: 0, max: 32 }), (address, prefix) => {
        const cidr = parseCidr(`${formatIpv4(address)}/${prefix}`)!;
        expect(contains(cidr, address)).toBe(true);
        expect(cidr.broadcast - cidr.network + 1).toBe(2 ** (32 - prefix));
      }),
    );
  });

  test.each(["10.1.2.3", "10.1.2.3/", "10.1.2.3/33", "10.1.2.3/08", "10.1.2.3/-1", "10.1.2.3/255.255.255.0"])(
    "refuses %j as a CIDR",
    (text) => expect(parseCidr(text)).toBeUndefined(),
  );
});

describe("a host name (RFC 1123)", () => {
  test.each(["a", "can-bruixa", "cbox-17", "3com", "x".repeat(63)])("%s is valid", (name) =>
    expect(hostNameProblem(name)).toBeUndefined(),
  );

  test.each(["", "-a", "a-", "a.b", "a_b", "Can", "1234", "x".repeat(64), "càn", "a b", "a\n"])(
    "%j is invalid",
    (name) => expect(hostNameProblem(name)).toBe("hostname-syntax"),
  );

  test("localhost is reserved", () => expect(hostNameProblem("localhost")).toBe("hostname-reserved"));

  test("that is suggested is always valid", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (typed) => {
        const suggestion = suggestHostName(typed);
        if (suggestion !== undefined) expect(hostNameProblem(suggestion)).toBeUndefined();
      }),
    );
    expect(suggestHostName("Ca l'Àvia_2")).toBe("ca-lavia-2");
  });

  test.each([
    ["łódź", "lodz"],
    ["Ørsted", "orsted"],
    ["straße", "strasse"],
    ["œuf", "oeuf"],
    ["Passatge d’Amílcar, 7", "passatge-damilcar-7"],
    ["Col·lectiu", "collectiu"],
    ["Güell – torre", "guell-torre"],
    ["Αθήνα", "athina"],
  ])("for a place called %s is suggested as %s", (typed, name) => expect(suggestHostName(typed)).toBe(name));
});

test("transliteration gives ASCII, and leaves ASCII unchanged", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const plain = transliterate(text);
      expect(plain).toMatch(/^\p{ASCII}*$/u);
      expect(transliterate(plain)).toBe(plain);
    }),
  );
  expect(transliterate("Þórr, cafe\u0301 ½ 😀 l·l “x”")).toBe("Thorr, cafe 1/2  ll x");
});

/** A length-prefixed string of RFC 4251. */
const field = (bytes: Uint8Array) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const line = (type: string, ...fields: Uint8Array[]) =>
  `${type} ${Buffer.concat([field(Buffer.from(type)), ...fields.map(field)]).toString("base64")} anna@laptop`;
const modulus = (bits: number) => Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(bits / 8 - 1, 7)]);

describe("parsing SSH public keys", () => {
  const good = line("ssh-ed25519", Buffer.alloc(32, 1));

  test("reads what ssh-keygen makes, with its fingerprint", () => {
    const directory = execFileSync("mktemp", ["-d"]).toString().trim();
    execFileSync("ssh-keygen", [
      "-q",
      "-t",
      "ecdsa",
      "-b",
      "384",
      "-N",
      "",
      "-C",
      "a b",
      "-f",
      `${directory}/key`,
    ]);
    const text = execFileSync("cat", [`${directory}/key.pub`]).toString();
    const printed = execFileSync("ssh-keygen", ["-l", "-f", `${directory}/key.pub`]).toString();
    execFileSync("rm", ["-r", directory]);
    const key = parseSshKey(text);
    expect(key).toMatchObject({ type: "ecdsa-sha2-nistp384", comment: "a b" });
    expect(typeof key === "object" && printed.includes(key.fingerprint)).toBe(true);
  });

  test.each([
    ["", "ssh-key-syntax"],
    ["hello", "ssh-key-syntax"],
    ["ssh-ed25519", "ssh-key-syntax"],
    [`form="10.0.0.0/8" ${good}`, "ssh-key-option"],
    [`restrict,comand="x y" ${good}`, "ssh-key-option"],
    [`from=10.0.0.0/8 ${good}`, "ssh-key-option"],
    [`command ${good}`, "ssh-key-option"],
    [`from="10.0.0.0/8" ${good.slice(0, 30)}`, "ssh-key-damaged"],
    ["-----BEGIN PUBLIC KEY-----", "ssh-key-form"],
    ["---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh-key-form"],
    ["-----BEGIN CERTIFICATE-----", "ssh-key-form"],
    ["PuTTY-User-Key-File-3: ssh-ed25519", "ssh-key-private"],
    ["toString AAAA", "ssh-key-syntax"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-key-private"],
    [line("ssh-dss", Buffer.alloc(128, 1)), "ssh-key-type"],
    [line("ssh-rsa", Buffer.from([1, 0, 1]), modulus(1024)), "ssh-key-weak"],
    [good.replace("ssh-ed25519", "ssh-rsa"), "ssh-key-damaged"],
    [good.replace(/AQEB/, "AQ"), "ssh-key-damaged"],
    [line("ecdsa-sha2-nistp256", Buffer.from("nistp384"), Buffer.alloc(65)), "ssh-key-damaged"],
  ])("refuses %j: %s", (text, code) => expect(parseSshKey(text)).toBe(code));

  test.each([
    good,
    line("ssh-rsa", Buffer.from([1, 0, 1]), modulus(2048)),
    line("sk-ssh-ed25519@openssh.com", Buffer.alloc(32, 1), Buffer.from("ssh:")),
    line(
      "sk-ecdsa-sha2-nistp256@openssh.com",
      Buffer.from("nistp256"),
      Buffer.alloc(65),
      Buffer.from("ssh:"),
    ),
    `from="10.0.0.0/8" ${good}`,
    `restrict,pty,command="say \\"a b\\", twice" ${good}`,
    `no-agent-forwarding,permitopen="10.1.2.3:80" ${good}`,
  ])("accepts %j and writes it unchanged", (text) => {
    const key = parseSshKey(`  ${text}\r\n`);
    expect(typeof key === "string" ? key : formatSshKey(key)).toBe(text);
  });

  test("reads options before a key as sshd does", () => {
    const key = parseSshKey(`from="10.0.0.0/8,192.168.0.1",no-pty ${good}`);
    expect(key).toMatchObject({ options: 'from="10.0.0.0/8,192.168.0.1",no-pty', type: "ssh-ed25519" });
    const input = typeof key === "string" ? "" : formatSshKey(key);
    const printed = execFileSync("ssh-keygen", ["-l", "-f", "-"], { input }).toString();
    expect(typeof key === "object" && printed.includes(key.fingerprint)).toBe(true);
  });

  test("names what is wrong with a key: its form or its option", async () => {
    const probe = await system.probe(new FakeBox(), IMAGE, {});
    const said = (text: string) =>
      system
        .check({ owner: { name: "anna", ssh_keys: [text] } }, probe, new Set())
        .map((each) => each.expected);
    expect(said("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----")[0]).toMatch(
      /^This is a key in another form \(PUBLIC KEY\)\./,
    );
    expect(said("---- BEGIN SSH2 PUBLIC KEY ----")[0]).toContain("(SSH2 PUBLIC KEY)");
    expect(said(`form="10.0.0.0/8" ${good}`)[0]).toMatch(
      /does not know this option .*: form="10\.0\.0\.0\/8"\.$/,
    );
    expect(said(`from=10.0.0.0/8 ${good}`)[0]).toMatch(/: from=10\.0\.0\.0\/8\.$/);
  });

  test("detects a key that was truncated anywhere", () => {
    const [type = "", base64 = ""] = good.split(" ");
    for (let length = 0; length < base64.length - 1; length++) {
      expect(parseSshKey(`${type} ${base64.slice(0, length)}`)).toMatch(/^ssh-key-(damaged|syntax)$/);
    }
  });

  test("never throws", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.base64String(),
        (a, b) => void [parseSshKey(a), parseSshKey(`ssh-rsa ${b}`)],
      ),
    );
  });
});

describe("parsing the output of ss and ip", () => {
  test("finds ports that others can reach, and not those of loopback", () => {
    const output = `udp UNCONN 0 0 10.1.2.3%enp1s0:68 0.0.0.0:*
tcp LISTEN 0 4096 127.0.0.1:7373 0.0.0.0:*
tcp LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:*
tcp LISTEN 0 4096 10.1.2.3:5000 0.0.0.0:*
LISTEN 0 128 [::]:22 [::]:*
tcp LISTEN 0 128 [::1]:631 [::]:*
`;
    expect([...listeningPorts(output)].sort((a, b) => a - b)).toEqual([22, 68, 5000]);
  });

  test("finds addresses, and nothing for an interface without one", () => {
    const json = `[{},{"ifname":"lo"},{"ifname":"enp1s0","addr_info":[{"local":"10.1.2.3","prefixlen":24}]}]`;
    expect(parseAddresses(json)).toEqual([{ interface: "enp1s0", address: "10.1.2.3", prefix: 24 }]);
    expect(parseAddresses("")).toEqual([]);
  });
});
