// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's community, asked by programs nobody here wrote: ldapsearch, openssl, curl, udhcpc. And each fault, switched
// on and off again.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAlive } from "../../image/host/process.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { failureOf } from "../failure-of.ts";
import { authorityCertificate } from "../lab/authority.ts";
import { activeFaults, FAULTS, fault } from "../lab/faults/index.ts";
import type { LabHost } from "../lab/host.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { escapeRdn } from "../lab/hosts/ldap.ts";
import { findLab, type Lab, labDown, labUp } from "../lab/lab.ts";
import { labMember, MEMBERS } from "../lab/members.ts";
import { PROXY_READER, PROXY_USERS } from "../lab/proxy-users.ts";
import { readAll } from "../lab/readers/index.ts";
import { signedIn } from "../lab/readers/signed-in.ts";
import { readRecord } from "../lab/record.ts";
import type { Ran } from "../lab/server.ts";

const NAME = "labfaults";
const BASE = "o=webusers,dc=guifi,dc=net";
/** A web server as another kind of host would ask for it: with a certificate by the lab's authority. */
const secure: LabHost = {
  name: "secure",
  address: "10.139.40.9",
  answersFor: () => ["secure.guifi.net"],
  server: async () => ({
    command: [
      "openssl",
      "s_server",
      "-accept",
      "443",
      "-cert",
      "/srv/tls.crt",
      "-key",
      "/srv/tls.key",
      "-www",
    ],
    tls: ["secure.guifi.net"],
    ready: /^ACCEPT$/m,
  }),
};
const HOSTS: readonly LabHost[] = [
  ...LAB_HOSTS,
  secure,
  { name: "client", address: "10.139.40.50" },
  { name: "guest" },
];

let lab: Lab;

beforeAll(async () => {
  await labDown(NAME);
  lab = await labUp({ name: NAME, root: await labRoot(), community: loadCommunity("guifi"), hosts: HOSTS });
});
afterAll(async () => {
  await labDown(NAME);
});

/** On a host that is nobody in particular, and trusts the lab's authority. */
const client = (...command: string[]) => lab.run("client", ["env", "LDAPTLS_CACERT=/srv/ca.crt", ...command]);
const ldap = (program: string, server: string, ...words: string[]) =>
  client(program, "-x", "-H", `ldaps://${server}`, "-o", "nettimeout=2", ...words);
const asMember = (name: string, password: string) => ["-D", `uid=${escapeRdn(name)},${BASE}`, "-w", password];
const anna = asMember("anna", labMember("anna").password);
const whoIsAnna = (server = "ldap.guifi.net") => ldap("ldapwhoami", server, ...anna);

describe("the authority of the lab", () => {
  test("is made with the lab, and certifies its servers by name and address", async () => {
    expect(lab.authority()).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    for (const [host, name] of [
      ["ldap", "ldap.guifi.net"],
      ["ldap2", "ldap2.guifi.net"],
      ["secure", "secure.guifi.net"],
    ] as const) {
      const address = HOSTS.find((other) => other.name === host)!.address!;
      const verify = ["openssl", "verify", "-CAfile", "/srv/ca.crt"];
      const { code, stdout, stderr } = await lab.run(host, [
        ...verify,
        ...["-verify_hostname", name, "-verify_ip", address, "-purpose", "sslserver", "/srv/tls.crt"],
      ]);
      expect({ code, stdout, stderr }, host).toEqual({ code: 0, stdout: "/srv/tls.crt: OK\n", stderr: "" });
      const other = await lab.run(host, [...verify, "-verify_hostname", "guifi.net", "/srv/tls.crt"]);
      expect(other.stderr, host).toContain("hostname mismatch");
    }
  });

  test("is all that a client has to trust", async () => {
    const url = "https://secure.guifi.net/";
    const trusting = await client("curl", "-sS", "--cacert", "/srv/ca.crt", url);
    expect(trusting.stdout).toContain("Ciphers supported in s_server binary");
    const other = join(lab.place("client").directory, "stranger.crt");
    writeFileSync(other, authorityCertificate(NAME, "stranger"));
    const strange = await client("curl", "-sS", "--cacert", "/srv/stranger.crt", url);
    expect(strange.code).toBe(60);
    expect(strange.stderr).toMatch(/unable to get local issuer certificate|signature failure/);
  });

  test("keeps its keys and those of its servers readable by root only", async () => {
    const { stdout } = await lab.run("secure", ["stat", "-c", "%a %U", "/srv/tls.key"]);
    expect(stdout).toBe("600 root\n");
  });
});

describe("the directory of the lab", () => {
  test.each(["ldap.guifi.net", "ldap2.guifi.net"])("at %s accepts each of its members", async (server) => {
    for (const { name, password, inDirectory } of MEMBERS) {
      const { code, stdout, stderr } = await ldap("ldapwhoami", server, ...asMember(name, password));
      if (inDirectory) expect({ code, stderr }, name).toEqual({ code: 0, stderr: "" });
      else expect(stderr, name).toContain("Invalid credentials (49)");
      expect(stdout.startsWith("dn:uid="), name).toBe(inDirectory);
    }
  });

  test("refuses a wrong password, an unknown member, and a name without a password", async () => {
    const wrong = await ldap("ldapwhoami", "ldap.guifi.net", ...asMember("anna", "vilanova-1906"));
    expect(wrong).toMatchObject({ code: 49, stderr: expect.stringContaining("Invalid credentials (49)") });
    const stranger = await ldap("ldapwhoami", "ldap.guifi.net", ...asMember("nobody", "x"));
    expect(stranger.code).toBe(49);
    const silent = await ldap("ldapwhoami", "ldap.guifi.net", ...asMember("anna", ""));
    expect(silent).toMatchObject({ code: 53, stderr: expect.stringContaining("unwilling to perform (53)") });
  });

  test("shows nothing to a member: a search with an empty base ends with 32", async () => {
    for (const search of [[], ["-b", BASE, "uid=bernat"]]) {
      const { code, stdout } = await ldap("ldapsearch", "ldap.guifi.net", ...anna, ...search);
      expect(code).toBe(32);
      expect(stdout).not.toContain("uid:");
    }
  });

  test("shows nothing to an anonymous client", async () => {
    for (const base of [BASE, "o=proxyusers,dc=guifi,dc=net"]) {
      const { code, stdout } = await ldap("ldapsearch", "ldap.guifi.net", "-b", base);
      expect(code).toBe(32);
      expect(stdout).not.toContain("uid:");
    }
  });

  test("lets a proxy look up the users of proxies, by service, and no members", async () => {
    const proxies = "o=proxyusers,dc=guifi,dc=net";
    const reader = ["-D", `uid=${PROXY_READER.name},${proxies}`, "-w", PROXY_READER.password, "-LLL"];
    const search = (base: string, filter: string) =>
      ldap("ldapsearch", "ldap.guifi.net", ...reader, "-b", base, filter, "ou");
    const [user] = PROXY_USERS;
    const found = await search(proxies, `(&(ou=${user.service})(uid=${user.name}))`);
    const dn = `uid=${user.name},ou=${user.service},${proxies}`;
    expect(found).toMatchObject({ code: 0, stdout: `dn: ${dn}\nou: ${user.service}\n\n` });
    const bound = await ldap("ldapwhoami", "ldap.guifi.net", "-D", dn, "-w", user.password);
    expect(bound.stdout).toBe(`dn:${dn}\n`);
    expect((await search(BASE, "uid=anna")).stdout).toBe("");
  });

  test("accepts encrypted connections only", async () => {
    const { code, stderr } = await client("ldapwhoami", "-x", "-H", "ldap://ldap.guifi.net", ...anna);
    expect({ code, stderr }).toMatchObject({ code: 255, stderr: expect.stringContaining("Can't contact") });
    const withoutAuthority = await lab.run("client", [
      ...["ldapwhoami", "-x", "-H", "ldaps://ldap.guifi.net", ...anna],
    ]);
    expect(withoutAuthority.code).not.toBe(0);
  });

  test("logs who signed in", async () => {
    const { password, name } = labMember("#roca, maria+josep");
    await ldap("ldapwhoami", "ldap2.guifi.net", ...asMember(name, password));
    const last = (await signedIn.read(lab)).at(-1);
    expect(last).toMatchObject({
      ...{ member: name, branch: "o=webusers", server: "ldap2", from: "10.139.40.50", result: "accepted" },
    });
    await ldap("ldapwhoami", "ldap2.guifi.net", ...asMember(name, "wrong"));
    expect((await signedIn.read(lab)).at(-1)).toMatchObject({ member: name, result: "refused (49)" });
  });
});

describe("the time of the lab", () => {
  test("is this machine's, offered to every box by DHCP and under Debian's names", async () => {
    for (const server of ["0.debian.pool.ntp.org", "2.debian.pool.ntp.org"]) {
      const { year, isBelievable } = await askTime(server);
      expect({ year, isBelievable }).toEqual({ year: new Date().getUTCFullYear(), isBelievable: true });
    }
    expect((await askLease()).stdout).toMatch(/^ntpsrv=10\.139\.40\.33$/m);
  });
});

describe("a fault of the lab", () => {
  /** What a fault does to a client; undefined when it notices nothing. */
  const symptoms: Readonly<Record<string, () => Promise<string | undefined>>> = {
    "ldap-main-down": async () =>
      (await isRefused("ldap.guifi.net")) && !(await isRefused("ldap2.guifi.net"))
        ? "backup only"
        : undefined,
    "ldap-down": async () =>
      (await isRefused("ldap.guifi.net")) && (await isRefused("ldap2.guifi.net")) ? "both refuse" : undefined,
    "ldap-main-silent": async () => {
      const before = performance.now();
      const { code } = await whoIsAnna();
      const took = performance.now() - before;
      return code === 0 ? undefined : `silence for ${Math.round(took / 1000)} s`;
    },
    "ldap-bad-certificate": async () => {
      const said = await Promise.all(["ldap.guifi.net", "ldap2.guifi.net"].map(verifyResult));
      return said.every((word) => word.startsWith("0 ")) ? undefined : said.join();
    },
    "dns-dead": async () => {
      const { code } = await client("getent", "ahostsv4", "ldap.guifi.net");
      return code === 0 ? undefined : `getent ends with ${code}`;
    },
    "no-dhcp": async () => ((await askLease()).code === 0 ? undefined : "no lease"),
    "time-wrong": async () => {
      const { year, isBelievable } = await askTime("0.debian.pool.ntp.org");
      const told = `${year}, ${isBelievable ? "surely" : "perhaps"}`;
      return year === new Date().getUTCFullYear() ? undefined : told;
    },
  };
  const expected: Readonly<Record<string, string | RegExp>> = {
    "ldap-main-down": "backup only",
    "ldap-down": "both refuse",
    "ldap-main-silent": /^silence for [23] s$/,
    // Right name, wrong authority.
    "ldap-bad-certificate": /^2[01] .+,2[01] /,
    "dns-dead": "getent ends with 2",
    "no-dhcp": "no lease",
    "time-wrong": "2009, surely",
  };

  test.each(FAULTS.map(({ name }) => name))(
    "called %s can be switched on twice, and off without a trace",
    async (name) => {
      // Those of the other servers are looked at in their own tests.
      const symptom =
        symptoms[name] ?? (async () => (activeFaults(lab).includes(name) ? "unseen" : undefined));
      const before = state();
      expect(await symptom()).toBeUndefined();
      await fault(lab, name, true);
      const first = readRecord(NAME);
      await fault(lab, name, true);
      // Nothing is started a second time.
      expect(readRecord(NAME)).toEqual(first);
      expect(await symptom()).toMatch(expected[name] ?? "unseen");
      expect(activeFaults(lab)).toEqual([name]);
      // The lab counts as up: it is broken on purpose.
      expect(findLab(NAME)).toBeDefined();
      await fault(lab, name, false);
      await fault(lab, name, false);
      expect(await symptom()).toBeUndefined();
      expect(activeFaults(lab)).toEqual([]);
      expect(state()).toEqual(before);
    },
  );

  test("that ends does not repair what another one broke", async () => {
    await fault(lab, "ldap-main-down", true);
    await fault(lab, "ldap-down", true);
    await fault(lab, "ldap-bad-certificate", true);
    expect(activeFaults(lab)).toEqual(["ldap-main-down", "ldap-down", "ldap-bad-certificate"]);
    await fault(lab, "ldap-down", false);
    expect(await isRefused("ldap.guifi.net")).toBe(true);
    expect(await verifyResult("ldap2.guifi.net")).toMatch(/^2[01] /);
    await fault(lab, "ldap-main-down", false);
    expect(await verifyResult("ldap.guifi.net")).toMatch(/^2[01] /);
    await fault(lab, "ldap-bad-certificate", false);
    expect((await whoIsAnna()).code).toBe(0);
  });

  test("whose switching was interrupted is completed by the same command", async () => {
    const main = () => readRecord(NAME)!.servers.find(({ host }) => host === "ldap")!;
    const broken = {
      name: "half",
      description: "",
      on: async () => {
        await lab.change("ldap", "half", { isDown: true });
        throw new Error("power cut");
      },
      off: () => lab.change("ldap", "half", undefined),
    };
    await expect(fault(lab, "half", true, [broken])).rejects.toThrow("power cut");
    expect(activeFaults(lab)).toEqual(["half"]);
    expect(main().process).toBeUndefined();
    await fault(lab, "half", false, [broken]);
    expect(activeFaults(lab)).toEqual([]);
    expect(isAlive(main().process!)).toBe(true);
  });

  test("that does not exist is refused with a suggestion", async () => {
    expect(await failureOf(() => fault(lab, "ldap-don", true))).toMatchObject({
      ...{ code: "lab-fault-unknown", message: "The lab knows no such fault.", found: "ldap-don" },
      hint: "did you mean ldap-down?",
    });
    expect(await failureOf(() => lab.change("client", "test", { isDown: true }))).toMatchObject({
      ...{ code: "lab-host-unknown", found: "client" },
    });
    expect(activeFaults(lab)).toEqual([]);
  });
});

test("the lab lists what the community knows in one table per kind", async () => {
  await whoIsAnna();
  const known = await readAll(lab);
  expect(known.signedIn).toContainEqual(
    expect.objectContaining({ member: "anna", server: "ldap", result: "accepted" }),
  );
  expect(known.serf).toContainEqual(
    expect.objectContaining({ name: "peer", status: "alive", services: "1" }),
  );
  expect(known.services).toContainEqual(
    expect.objectContaining({ member: "peer", type: "serf", address: "10.139.40.22:5000" }),
  );
  expect(known.leases).toEqual([expect.objectContaining({ name: "guest" })]);
});

async function isRefused(server: string): Promise<boolean> {
  const { code, stderr } = await whoIsAnna(server);
  return code === 255 && stderr.includes("Can't contact LDAP server");
}

/** openssl's verdict about the certificate of a directory server, such as "0 (ok)". */
async function verifyResult(server: string): Promise<string> {
  const { stdout } = await client(
    ...["sh", "-c", 'openssl s_client -connect "$1:636" -CAfile /srv/ca.crt </dev/null', "sh", server],
  );
  return /Verify return code: (.*)/.exec(stdout)?.[1] ?? "no certificate";
}

/** One question by NTP (RFC 5905), since Debian has no client that only asks. */
async function askTime(server: string): Promise<{ year: number; isBelievable: boolean }> {
  const ask = `
    const socket = require("node:dgram").createSocket("udp4");
    const question = Buffer.alloc(48);
    question[0] = 0x23;
    socket.on("message", (reply) => { console.log(reply.toString("hex")); socket.close(); });
    socket.send(question, 123, process.argv[1]);
    setTimeout(() => process.exit(1), 60_000).unref();`;
  const { stdout } = await client("node", "-e", ask, server);
  const reply = Buffer.from(stdout.trim(), "hex");
  const seconds = reply.readUInt32BE(40) - 2_208_988_800;
  return {
    year: new Date(seconds * 1000).getUTCFullYear(),
    // systemd-timesyncd wants a server that is synchronised itself, and less than five seconds unsure.
    isBelievable: reply[0]! >> 6 !== 3 && reply[1]! < 16 && reply.readUInt32BE(8) / 65536 < 1,
  };
}

/** What a lease says, as variables; it is not applied. */
function askLease(): Promise<Ran> {
  const script =
    'printf "#!/bin/sh\\nenv\\n" > /tmp/s; chmod +x /tmp/s; exec busybox udhcpc -f -q -n -t 2 -T 1 -i eth0 -O ntpsrv -x hostname:guest -s /tmp/s';
  return lab.run("guest", ["sh", "-euc", script]);
}

/** All of the lab but what has to differ: which process a server is, and the certificate it was given this time. */
function state() {
  const record = readRecord(NAME)!;
  return {
    ...record,
    servers: record.servers.map(({ process, ...server }) => ({
      ...server,
      runs: process && isAlive(process),
    })),
    leases: readFileSync(join(lab.place("dns").directory, "leases"), "utf8")
      .split(" ")
      .slice(1)
      .join(" "),
  };
}
