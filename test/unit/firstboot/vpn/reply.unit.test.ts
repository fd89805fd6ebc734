// SPDX-License-Identifier: GPL-3.0-or-later
// What comes from a rendezvous: read field by field, whatever it says; nothing of it is taken over as it came.

import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicHalf, readPublicKey } from "../../../../firstboot/vpn/keys.ts";
import { type FaultReason, type Membership, readMembership } from "../../../../firstboot/vpn/membership.ts";
import { vpnPaths } from "../../../../firstboot/vpn/paths.ts";
import { parseScript } from "../../../../firstboot/vpn/reply-script.ts";
import { tincFiles } from "../../../../firstboot/vpn/tinc-files.ts";
import { TRAP } from "../../../lab/hostile/texts.ts";
import { GARBAGE, garbage } from "../../../lab/rendezvous/garbage.ts";
import type { VpnNode, VpnPlan } from "../../../lab/rendezvous/plan.ts";
import { jsonReply, scriptReply } from "../../../lab/rendezvous/replies.ts";
import { rsaKey } from "../../helpers/fake-box.ts";

const plan: VpnPlan = {
  network: "guifi",
  key: "guifi",
  mode: "router",
  range: "10.228.0",
  gateway: { name: "gateway", publicKey: rsaKey(1).publicKey },
  gatewayAsksEvery: 3600,
};
const own: VpnNode = {
  name: "can_bruixa",
  mac: "52:54:00:12:34:56",
  hostname: "can-bruixa",
  number: 7,
  port: 655,
  publicKey: rsaKey(0).publicKey.trim(),
};
const other: VpnNode = {
  ...own,
  name: "can_mas",
  mac: "52:54:00:00:00:01",
  number: 6,
  port: 665,
  address: "10.139.40.9",
};
const nodes = [other, own];
const script = scriptReply(plan, nodes, own);
const right = jsonReply(plan, nodes, own);

const expected: Membership = {
  name: "can_bruixa",
  address: "10.228.0.7/24",
  mode: "router",
  port: 655,
  peers: [
    {
      name: "gateway",
      address: "10.139.40.85",
      port: 655,
      subnets: ["10.228.0.1/32"],
      key: rsaKey(1).publicKey,
    },
    {
      name: "can_mas",
      address: "10.139.40.9",
      port: 655,
      subnets: ["10.228.0.6/32"],
      key: rsaKey(0).publicKey,
    },
  ],
};

describe("a valid reply", () => {
  test("in the older form is read completely, with 665 meaning tinc's default port", () => {
    expect(readMembership(parseScript(script, "guifi"))).toEqual({ membership: expected, faults: [] });
  });

  test("in the newer form gives the same", () => {
    const { membership, faults } = readMembership(right);
    expect(faults).toEqual([]);
    expect(membership).toEqual({
      ...expected,
      peers: [expected.peers[0], { ...expected.peers[1], port: 665 }],
    });
  });

  test("may have the oldest form of the address, other line ends and quoted markers", () => {
    const old = script
      .replace(/ip -4 addr add \S+ dev/, "ifconfig \\$INTERFACE 10.228.0.7 netmask 255.255.255.0 #")
      .replaceAll("<<EOF", "<< 'EOF'")
      .replaceAll("\n", "\r\n");
    expect(readMembership(parseScript(old, "guifi"))).toEqual({ membership: expected, faults: [] });
  });

  test("without a mode means tinc's default, router", () => {
    const { mode: _, ...without } = right as Record<string, unknown>;
    expect(readMembership(without).membership?.mode).toBe("router");
  });

  test("is not affected by a document inside another one", () => {
    const inner = [
      "cat > /etc/motd <<OUTER",
      "cat > /etc/tinc/guifi/hosts/stranger <<EOF",
      rsaKey(2).publicKey,
      "EOF",
      "OUTER",
    ];
    const nested = script.replace("mkdir -p", `${inner.join("\n")}\nmkdir -p`);
    expect(readMembership(parseScript(nested, "guifi"))).toEqual({ membership: expected, faults: [] });
  });

  test("is refused when it is for another network", () => {
    expect(parseScript(script, "other")).toEqual({ fault: "truncated" });
  });
});

describe("the files of tinc", () => {
  const files = tincFiles("guifi", expected, rsaKey(0));
  const content = (name: string) => files.get(name)?.content ?? "";

  test("have these names and modes, with the private key for root alone", () => {
    expect([...files].map(([name, { mode }]) => `${name} ${mode.toString(8)}`)).toEqual([
      "rsa_key.priv 600",
      "tinc.conf 644",
      "tinc-up 755",
      "tinc-down 755",
      "hosts/gateway 644",
      "hosts/can_mas 644",
      "hosts/can_bruixa 644",
    ]);
  });

  test("contain the settings that tinc needs", () => {
    expect(content("tinc.conf").split("\n").slice(1)).toEqual([
      "Name = can_bruixa",
      "Mode = router",
      "Device = /dev/net/tun",
      "Interface = guifi",
      "AddressFamily = ipv4",
      "Port = 655",
      "PrivateKeyFile = /etc/tinc/guifi/rsa_key.priv",
      "MaxTimeout = 300",
      "ConnectTo = gateway",
      "ConnectTo = can_mas",
      "",
    ]);
    expect(content("tinc-up")).toContain('\nip address replace 10.228.0.7/24 dev "$INTERFACE"\n');
    expect(content("hosts/gateway")).toContain(
      "\nAddress = 10.139.40.85\nPort = 655\nSubnet = 10.228.0.1/32\n-----BEGIN",
    );
    expect(content("hosts/can_bruixa")).toContain("\nSubnet = 10.228.0.7/32\n-----BEGIN");
  });

  test("have subnets only for a router, and ConnectTo only for hosts with an address", () => {
    const peers = [{ ...expected.peers[0]!, address: undefined }].map(({ address: _, ...peer }) => peer);
    const hidden = tincFiles("guifi", { ...expected, mode: "switch", peers }, rsaKey(0));
    const all = [...hidden.values()].map((file) => file.content).join("");
    expect(all).not.toMatch(/Subnet|ConnectTo|Address =/);
  });
});

describe("a wrong field is reported", () => {
  const host = { name: "gateway", address: "10.139.40.85", key: rsaKey(1).publicKey };
  const reply = { name: "can_bruixa", address: "10.228.0.7/24", mode: "switch", hosts: [host] };
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({
    type: "pkcs1",
    format: "pem",
  });
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
    type: "spki",
    format: "pem",
  });

  test.each<[string, unknown, string, FaultReason]>([
    ["nothing", undefined, "", "missing"],
    ["a list", [], "", "missing"],
    ["no name", { ...reply, name: undefined }, "name", "name"],
    ["a name with a path", { ...reply, name: "../x" }, "name", "name"],
    ["a name with a line", { ...reply, name: "a\nb" }, "name", "name"],
    ["a name of 65", { ...reply, name: "x".repeat(65) }, "name", "name"],
    ["an address without prefix", { ...reply, address: "10.228.0.7" }, "address", "address"],
    ["a host route", { ...reply, address: "10.228.0.7/32" }, "address", "address"],
    ["a pair without room", { ...reply, address: "10.228.0.6/31" }, "address", "address"],
    ["half the world", { ...reply, address: "10.228.0.7/1" }, "address", "address"],
    ["the network's own", { ...reply, address: "10.228.0.0/24" }, "address", "address"],
    ["the broadcast address", { ...reply, address: "10.228.0.255/24" }, "address", "address"],
    ["loopback", { ...reply, address: "127.0.0.2/8" }, "address", "address"],
    ["a mode of its own", { ...reply, mode: "rooter" }, "mode", "mode"],
    ["port 0", { ...reply, port: 0 }, "port", "port"],
    ["a port in words", { ...reply, port: "655" }, "port", "port"],
    ["no hosts", { ...reply, hosts: undefined }, "hosts", "missing"],
    ["too many hosts", { ...reply, hosts: Array(513).fill(host) }, "hosts", "too-many"],
  ])("and nothing of the reply is used: %s", (_what, raw, at, reason) => {
    const { membership, faults } = readMembership(raw);
    expect(membership).toBeUndefined();
    expect(faults[0]).toEqual({ at, reason });
  });

  test.each<[string, object | string, string, FaultReason]>([
    ["a word", "gateway", "", "missing"],
    ["a bad name", { ...host, name: "a-b" }, ".name", "name"],
    ["an address in the VPN", { ...host, address: "10.228.0.9" }, ".address", "public-address"],
    ["a host name", { ...host, address: "gateway.lab" }, ".address", "public-address"],
    ["port 65536", { ...host, port: 65536 }, ".port", "port"],
    ["the default route", { ...host, subnets: ["0.0.0.0/0"] }, ".subnets", "subnet"],
    ["a subnet elsewhere", { ...host, subnets: ["10.229.0.0/24"] }, ".subnets", "subnet"],
    ["half a key", { ...host, key: host.key.slice(0, 200) }, ".key", "key"],
    ["a short key", { ...host, key: short }, ".key", "key"],
    ["a key of another kind", { ...host, key: curve }, ".key", "key"],
    ["a private key", { ...host, key: rsaKey(1).privateKey }, ".key", "key"],
    ["a key of megabytes", { ...host, key: `${host.key}${" ".repeat(5000)}` }, ".key", "key"],
    ["a name twice", host, ".name", "twice"],
  ])("and its host left out: %s", (_what, wrong, at, reason) => {
    const { membership, faults } = readMembership({ ...reply, hosts: [host, wrong] });
    expect(membership?.peers.map(({ name }) => name)).toEqual(["gateway"]);
    expect(faults).toEqual([{ at: `hosts[1]${at}`, reason }]);
  });

  test("for a subnet that begins before the VPN's and ends with it", () => {
    const hosts = [{ ...host, subnets: ["10.228.0.0/23"] }];
    const { faults } = readMembership({ ...reply, address: "10.228.1.7/24", hosts });
    expect(faults).toEqual([{ at: "hosts[0].subnets", reason: "subnet" }]);
  });

  test("neither for the box itself in the list, which is skipped", () => {
    const { membership, faults } = readMembership({
      ...reply,
      hosts: [host, { ...host, name: "can_bruixa" }],
    });
    expect([membership?.peers.length, faults]).toEqual([1, []]);
  });
});

describe("a key", () => {
  test("is read in both of its forms and written in one", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pkcs1 = publicKey.export({ type: "pkcs1", format: "pem" }).toString();
    expect(readPublicKey(publicKey.export({ type: "spki", format: "pem" }).toString())).toBe(pkcs1);
    expect(readPublicKey(`Compression=10\n\n${pkcs1}\n$(reboot)\n`)).toBe(pkcs1);
  });

  test("is invalid when it is a truncated private key", () => {
    const { privateKey, publicKey } = rsaKey(0);
    expect(publicHalf(privateKey)).toBe(publicKey);
    expect(publicHalf(privateKey.slice(0, -40))).toBeUndefined();
    expect(publicHalf("")).toBeUndefined();
  });
});

test("vpnPaths refuses an invalid name of a network", () => {
  for (const name of ["", "..", "a/b", "x".repeat(16), "guifi\n"]) {
    expect(() => vpnPaths(name), name).toThrow("not the name of a VPN");
  }
});

/** Every line of every file that could come of a reply, or undefined when it is refused. */
function linesFor(raw: unknown): { names: string[]; lines: string[] } | undefined {
  const { membership } = readMembership(raw);
  if (!membership) return undefined;
  const files = tincFiles("guifi", membership, rsaKey(0));
  return {
    names: [...files.keys()],
    lines: [...files.values()].flatMap(({ content }) => content.split("\n")),
  };
}

const NAMES = /^(rsa_key\.priv|tinc\.conf|tinc-up|tinc-down|hosts\/[A-Za-z0-9_]{1,64})$/;
const CIDR = String.raw`\d{1,3}(\.\d{1,3}){3}/\d{1,2}`;
const LINES = new RegExp(
  [
    "",
    "#!/bin/sh",
    "# Written by the Community Box set-up, and written anew by: cbox vpn setup",
    "set -e",
    `ip address replace ${CIDR} dev "\\$INTERFACE"`,
    'ip link set dev "\\$INTERFACE" (up|down)',
    "(Name|ConnectTo) = [A-Za-z0-9_]{1,64}",
    "Mode = (router|switch|hub)",
    "Device = /dev/net/tun",
    "Interface = guifi",
    "AddressFamily = ipv4",
    "Port = [0-9]{1,5}",
    "PrivateKeyFile = /etc/tinc/guifi/rsa_key.priv",
    "MaxTimeout = 300",
    String.raw`Address = \d{1,3}(\.\d{1,3}){3}`,
    `Subnet = ${CIDR}`,
    "-----(BEGIN|END) RSA (PUBLIC|PRIVATE) KEY-----",
    "[A-Za-z0-9+/=]{1,64}",
  ]
    .map((line) => `^${line}$`)
    .join("|"),
);

function expectTame(raw: unknown): void {
  const found = linesFor(raw);
  if (!found) return;
  expect(found.names.filter((name) => !NAMES.test(name))).toEqual([]);
  expect(found.lines.filter((line) => !LINES.test(line))).toEqual([]);
}

describe("an arbitrary reply of a rendezvous", () => {
  test.each(GARBAGE)("with %s is refused or harmless, in both forms", (kind) => {
    const text = garbage(kind, "script", plan, nodes, own);
    const parsed = parseScript(text, "guifi");
    expect("fault" in parsed ? undefined : linesFor(parsed)).toBeUndefined();
    if (kind === "html" || kind === "truncated") return;
    const json: unknown = JSON.parse(garbage(kind, "json", plan, nodes, own));
    const { membership, faults } = readMembership(json);
    expect(membership?.peers ?? []).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
    expect(JSON.stringify(membership ?? {})).not.toContain(TRAP);
  });

  test("is refused when it is a script truncated anywhere", () => {
    // Behind its last document there is nothing that is needed.
    const end = script.lastIndexOf("EOF\n");
    for (let length = 0; length < end + 3; length += 7) {
      const parsed = parseScript(script.slice(0, length), "guifi");
      expect("fault" in parsed, `the first ${length} characters`).toBe(true);
    }
  });

  const nasty = fc.constantFrom(
    "$(reboot)",
    "`reboot`",
    "../../../etc/passwd",
    "; reboot",
    "\n",
    "EOF",
    "\0",
    "Name=x",
    "cat > /etc/cron.d/x <<EOF",
    "'",
    "é",
    "x".repeat(2000),
  );

  test("gives harmless files or none when it is a script with anything inserted anywhere", () => {
    const change = fc.record({
      at: fc.nat(script.length),
      gone: fc.nat(40),
      text: fc.oneof(nasty, fc.string()),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const text = changes.reduce(
          (all, { at, gone, text }) => all.slice(0, at) + text + all.slice(at + gone),
          script,
        );
        const parsed = parseScript(text, "guifi");
        if (!("fault" in parsed)) expectTame(parsed);
      }),
      { numRuns: 500 },
    );
  });

  test("gives harmless files or none with fields of any kind", () => {
    const word = fc.oneof(
      nasty,
      fc.string(),
      fc.constantFrom("gateway", "10.228.0.1", "10.139.40.85", "switch"),
    );
    const any = fc.oneof(
      word,
      fc.integer(),
      fc.constant(null),
      fc.constant(655),
      fc.array(word),
      fc.object(),
    );
    const host = fc.record(
      {
        name: any,
        address: any,
        port: any,
        subnets: any,
        key: fc.oneof(any, fc.constant(rsaKey(1).publicKey)),
      },
      { requiredKeys: [] },
    );
    const reply = fc.record(
      {
        name: fc.oneof(any, fc.constant("can_bruixa")),
        address: fc.oneof(any, fc.constant("10.228.0.7/24")),
        mode: fc.oneof(any, fc.constant("router")),
        port: any,
        hosts: fc.oneof(any, fc.array(fc.oneof(host, any))),
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(reply, expectTame), { numRuns: 500 });
  });

  test("is refused when it is random bytes", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5000 }), (text) => {
        expect("fault" in parseScript(`#!/bin/sh\n${text}`, "guifi")).toBe(true);
      }),
    );
  });

  test("of a megabyte is read within a short time", () => {
    const slow = [
      `#!/bin/sh\n${"cat > x <<EOF\n".repeat(75_000)}`,
      `#!/bin/sh\ncat > /etc/tinc/guifi/tinc.conf <<EOF\n${`a${" ".repeat(1000)}b\n`.repeat(1000)}EOF\n`,
      `#!/bin/sh\n${"cat > /etc/tinc/guifi/hosts/a <<EOF\nName = x\nEOF\n".repeat(20_000)}`,
    ];
    for (const text of slow) {
      const before = performance.now();
      parseScript(text, "guifi");
      expect(performance.now() - before).toBeLessThan(2000);
    }
  });
});
