// SPDX-License-Identifier: GPL-3.0-or-later
// The members' directory: names in a DN, the order of the servers, what a dead or odd one leads to, and the bind itself
// against servers on this machine that misbehave.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, rootCertificates } from "node:tls";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { askDirectory, escapeDnValue, memberDn } from "../../../../firstboot/guifi/directory.ts";
import { ldapBind, tlsOptions } from "../../../../firstboot/host/net.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { failureOf } from "../../../failure-of.ts";
import { MEMBERS } from "../../../lab/members.ts";
import { readDn, SimulatedCommunity } from "../../helpers/community.ts";
import { FakeBox, IMAGE } from "../../helpers/fake-box.ts";

const BASE = IMAGE.community.ldap.base_dn;

describe("a member's name in a DN", () => {
  test.each([
    ["anna", "anna"],
    ["Pere Mas_i.Pla", "Pere Mas_i.Pla"],
    ["#roca, maria+josep", "\\#roca\\, maria\\+josep"],
    [' a"b<c>d;e=f\\g ', '\\ a\\"b\\<c\\>d\\;e\\=f\\\\g\\ '],
    [" ", "\\ "],
    ["  ", "\\ \\ "],
    ["#", "\\#"],
    ["a#b", "a#b"],
    ["núria", "núria"],
    ["a\0b", "a\\00b"],
  ])("is escaped: %j becomes %j", (name, written) => expect(escapeDnValue(name)).toBe(written));

  test("is read back unchanged, and never ends early", () => {
    const sign = fc.constantFrom(...' #,+"\\<>;=\0aé');
    const name = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: sign }));
    fc.assert(
      fc.property(name, (text) => {
        expect(readDn(memberDn(text, BASE))).toBe(text);
      }),
    );
  });
});

describe("the directory servers", () => {
  async function asked(
    prepare: (community: SimulatedCommunity) => void,
    name = "anna",
    password = "vilanova-1905",
  ) {
    const box = new FakeBox();
    const community = new SimulatedCommunity();
    prepare(community);
    box.servers = community;
    const answer = await askDirectory(box, IMAGE, { username: name, password });
    return { answer, hosts: community.binds.map(({ url }) => url), binds: community.binds };
  }
  const MAIN = "ldaps://ldap.guifi.net";
  const BACKUP = "ldaps://ldap2.guifi.net";

  test.each(MEMBERS.map(({ name, password, inDirectory }) => [name, password, inDirectory] as const))(
    "accept %s only as a member of the directory with the right password",
    async (name, password, isIn) => {
      expect((await asked(() => {}, name, password)).answer.result).toBe(isIn ? "accepted" : "refused");
      expect((await asked(() => {}, name, `${password}x`)).answer.result).toBe("refused");
    },
  );

  test("are asked in order until one answers, with two seconds each", async () => {
    const { answer, hosts, binds } = await asked(() => {});
    expect(answer).toEqual({ result: "accepted", server: "ldap.guifi.net" });
    expect(hosts).toEqual([MAIN]);
    expect(binds[0]).toMatchObject({ timeout: 2000, dn: `uid=anna,${BASE}`, tls: { verify: true } });
    expect((await asked(() => {}, "anna", "wrong")).hosts).toEqual([MAIN]);
  });

  test.each([
    "server-unreachable",
    "server-slow",
    "server-untrusted",
    "ldap-error",
    "reply-too-large",
  ] as const)("include the backup, which is asked when the main one fails with %s", async (trouble) => {
    const { answer, hosts } = await asked((community) => {
      community.deadDirectories.set("ldap.guifi.net", trouble);
    });
    expect(answer).toEqual({ result: "accepted", server: "ldap2.guifi.net" });
    expect(hosts).toEqual([MAIN, BACKUP]);
  });

  test("lead to the failure of the certificate before any other when all fail, since it can be fixed on the box", async () => {
    const dead = await asked((community) => community.breakDirectories());
    expect(dead.answer).toMatchObject({ result: "silent", trouble: { code: "server-slow" } });
    const untrusted = await asked((community) => {
      community.breakDirectories();
      community.deadDirectories.set("ldap2.guifi.net", "server-untrusted");
    });
    expect(untrusted.answer).toMatchObject({ result: "silent", trouble: { code: "server-untrusted" } });
  });

  test("are never sent an empty password, which LDAP takes for an anonymous bind", async () => {
    const { answer, hosts } = await asked(() => {}, "anna", "");
    expect([answer.result, hosts]).toEqual(["refused", []]);
  });

  test("are trusted as the community's settings say", async () => {
    const box = new FakeBox();
    const community = new SimulatedCommunity();
    box.servers = community;
    const tls = { verify: false };
    const image = { ...IMAGE, community: { ...IMAGE.community, ldap: { ...IMAGE.community.ldap, tls } } };
    box.files.set(paths.authorities, "no certificate");
    await askDirectory(box, image, { username: "anna", password: "x" });
    expect(community.binds[0]?.tls).toEqual({ verify: false });
  });
});

describe("a bind", () => {
  let server: Server | undefined;
  const sockets: Socket[] = [];
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "cbox-ldap-"));
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server?.close();
    rmSync(directory, { recursive: true });
  });

  const listen = async (made: Server) => {
    server = made;
    made.on("connection", (socket: Socket) => void sockets.push(socket.on("error", () => {})));
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    return (made.address() as AddressInfo).port;
  };
  const secure = (speak: (socket: Socket) => void) => {
    execFileSync(
      "openssl",
      [
        ...[
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-subj",
          "/CN=localhost",
        ],
        ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key", "-out", "cert"],
      ],
      { cwd: directory, stdio: "ignore" },
    );
    const [key, cert] = ["key", "cert"].map((name) => readFileSync(join(directory, name), "utf8"));
    const made = createTlsServer({ key: key!, cert: cert! }, (socket) => {
      socket.on("error", () => {});
      speak(socket);
    });
    made.on("tlsClientError", () => {});
    return { made, cert: cert! };
  };
  const bind = (port: number, rest: { password?: string; authorities?: string[]; verify?: boolean } = {}) =>
    ldapBind({
      url: `ldaps://127.0.0.1:${port}`,
      dn: `uid=anna,${BASE}`,
      password: rest.password ?? "x",
      timeout: 300,
      tls: {
        ...(rest.authorities ? { authorities: rest.authorities } : {}),
        ...(rest.verify === undefined ? {} : { verify: rest.verify }),
      },
    });

  test("fails on a port without a server", async () => {
    const port = await listen(createServer());
    server?.close();
    expect(await failureOf(() => bind(port))).toMatchObject({
      code: "server-unreachable",
      message: "127.0.0.1 cannot be reached.",
      found: "127.0.0.1: ECONNREFUSED",
    });
  });

  test("fails in time when the server accepts the connection and sends nothing", async () => {
    const port = await listen(createServer());
    const before = Date.now();
    expect(await failureOf(() => bind(port))).toMatchObject({
      code: "server-slow",
      message: "127.0.0.1 does not answer.",
    });
    expect(Date.now() - before).toBeLessThan(1500);
  });

  test("fails in time without a reply", async () => {
    const { made } = secure((socket) => socket.resume());
    const port = await listen(made);
    expect(await failureOf(() => bind(port, { verify: false }))).toMatchObject({ code: "server-slow" });
  });

  test("refuses a self-signed certificate unless that is trusted", async () => {
    const { made, cert } = secure((socket) => socket.on("data", (asked) => socket.write(response(asked, 0))));
    const port = await listen(made);
    expect(await failureOf(() => bind(port))).toMatchObject({
      code: "server-untrusted",
      message: "The certificate of 127.0.0.1 cannot be trusted.",
    });
    expect(await bind(port, { authorities: [cert] })).toBe("accepted");
    expect(await bind(port, { verify: false })).toBe("accepted");
  });

  test("accepts a certificate of the machine's own list, even when the community has an authority of its own", async () => {
    const { made, cert } = secure((socket) => socket.on("data", (asked) => socket.write(response(asked, 0))));
    const port = await listen(made);
    const another = rootCertificates[0]!;
    const list = join(directory, "ca-certificates.crt");
    vi.stubEnv("SSL_CERT_FILE", list);
    // Without a list of the machine, Node's own.
    expect((await failureOf(() => bind(port, { authorities: [another] }))).code).toBe("server-untrusted");
    expect(tlsOptions({ authorities: [another] })).toMatchObject({ ca: [...rootCertificates, another] });
    writeFileSync(list, `${rootCertificates[1]}\n${cert}`);
    expect(await bind(port, { authorities: [another] })).toBe("accepted");
    // What the machine does not trust any more is not brought back.
    expect(tlsOptions({ authorities: [another] })).toMatchObject({
      ca: [`${rootCertificates[1]}\n${cert}`, another],
    });
    vi.unstubAllEnvs();
  });

  test("is accepted with result 0, refused with 49, and fails with any other", async () => {
    let code = 49;
    const { made } = secure((socket) => socket.on("data", (asked) => socket.write(response(asked, code))));
    const port = await listen(made);
    expect(await bind(port, { verify: false })).toBe("refused");
    code = 0;
    expect(await bind(port, { verify: false })).toBe("accepted");
    code = 53;
    expect(await failureOf(() => bind(port, { verify: false }))).toMatchObject({
      code: "ldap-error",
      found: "LDAP result 53",
    });
  });

  test("without a password does not connect", async () => {
    const port = await listen(createServer());
    expect(await bind(port, { password: "" })).toBe("refused");
    expect(sockets).toEqual([]);
  });

  test.each([
    ["garbage", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["zeros", Buffer.alloc(100)],
    ["a length without end", Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02])],
    ["random bytes", Buffer.from("9f8e7d6c5b4a39281706", "hex")],
    ["a broken message", Buffer.from([0x30, 0x05, 0x02, 0x01, 0x01, 0x61, 0x00])],
  ])("fails when the server sends %s", async (_what, bytes) => {
    const { made } = secure((socket) => socket.on("data", () => socket.write(bytes)));
    const port = await listen(made);
    expect((await failureOf(() => bind(port, { verify: false }))).code).toMatch(
      /^(server-|ldap-error|reply-too-large)/,
    );
  });

  test("fails when the server closes the connection", async () => {
    const { made } = secure((socket) => socket.on("data", () => socket.destroy()));
    const port = await listen(made);
    expect(await failureOf(() => bind(port, { verify: false }))).toMatchObject({
      code: "server-unreachable",
    });
  });
});

/** A BindResponse in BER, to a short request: its number is the fifth byte. */
function response(request: Buffer, code: number): Buffer {
  return Buffer.from([0x30, 0x0c, 2, 1, request[4] ?? 0, 0x61, 7, 0x0a, 1, code, 4, 0, 4, 0]);
}
