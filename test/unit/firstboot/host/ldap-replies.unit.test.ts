// SPDX-License-Identifier: GPL-3.0-or-later
// Replies to a bind that are damaged or odd, over TLS to a server whose certificate is trusted: each ends in time with the
// right answer or an error that is meant for it, takes little memory and leaves no connection open.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import { ldapBind } from "../../../../firstboot/host/net.ts";
import { numbers } from "../../helpers/random.ts";

/** Damaged replies. 10,000, which take a minute and a half, were tried on the way (CBOX_FUZZ_RUNS). */
const RUNS = Number(process.env.CBOX_FUZZ_RUNS ?? 600);
/** As many binds at a time. */
const AT_ONCE = 10;
const MOST_BYTES = 64 * 1024 * 1024;
/** Milliseconds: for a reply after which nothing more comes on an open connection, and for all others. */
const SHORT = 300;
const LONG = 60_000;

/** What the server does with a connection that sent a bind, whose number is `id`. */
type Speak = (socket: TLSSocket, id: number) => void;

let server: Server;
let port = 0;
let cert = "";
let speak: Speak = () => {};
const open = new Set<TLSSocket>();
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => void unhandled.push(reason);

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "cbox-ldap-"));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-out", "cert"];
  execFileSync("openssl", ["req", "-x509", ...key, ...names], { cwd: directory, stdio: "ignore" });
  cert = readFileSync(join(directory, "cert"), "utf8");
  // Quicker to load than what the machine trusts, for so many binds.
  vi.stubEnv("SSL_CERT_FILE", join(directory, "cert"));
  server = createServer({ key: readFileSync(join(directory, "key")), cert }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => socket.destroy());
    // The request of these tests is short: its number is the fifth byte.
    socket.once("data", (request: Buffer) => {
      socket.resume();
      speak(socket, request[4] ?? 0);
    });
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  process.on("unhandledRejection", noteUnhandled);
  return () => rmSync(directory, { recursive: true });
});

afterAll(async () => {
  await allClosed();
  expect(unhandled).toEqual([]);
  process.off("unhandledRejection", noteUnhandled);
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

/** Waits until the server has seen the end of each connection: one that stays open lets the test run out of time. */
async function allClosed(): Promise<void> {
  await Promise.all(
    [...open].map((socket) => socket.closed || new Promise((resolve) => socket.once("close", resolve))),
  );
}

/** What came of a bind: the answer, or the code of the failure. Any other error fails the test. */
async function outcome(timeout: number): Promise<string> {
  const url = `ldaps://127.0.0.1:${port}`;
  try {
    const tls = { authorities: [cert] };
    return await ldapBind({ url, dn: "uid=anna,dc=x", password: "vilanova-1905", timeout, tls });
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
}

const used = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/** An element of BER, its length in the short form or, as some servers write it, in four bytes. */
function element(tag: number, content: Buffer, isLong = false): Buffer {
  const { length } = content;
  const short = length < 0x80 && !isLong;
  const head = short ? [tag, length] : [tag, 0x84, length >>> 24, length >>> 16, length >>> 8, length];
  return Buffer.concat([Buffer.from(head), content]);
}
const integer = (value: number) => Buffer.from([0x02, 1, value]);
const code = (value: number) => Buffer.from([0x0a, 1, value]);
const text = (value: string, isLong = false) => element(0x04, Buffer.from(value), isLong);
const SAID = "the directory has something to say";

interface Written {
  readonly result: number;
  readonly isLong?: boolean;
  /** What stands behind the three parts that each result has: other servers, credentials of SASL. */
  readonly more?: readonly Buffer[];
  readonly controls?: Buffer;
}

/** A reply to a bind (RFC 4511, 4.2.2). */
function reply(id: number, { result, isLong = false, more = [], controls }: Written): Buffer {
  const parts = [code(result), text("dc=x", isLong), text(SAID, isLong), ...more];
  const operation = element(0x61, Buffer.concat(parts), isLong);
  return element(0x30, Buffer.concat([integer(id), operation, ...(controls ? [controls] : [])]), isLong);
}

const REFERRAL = element(0xa3, text("ldaps://other.example.net/"));
const CREDENTIALS = element(0x87, Buffer.from("credentials"));
const CONTROLS = element(
  0xa0,
  element(0x30, Buffer.concat([text("1.3.6.1.4.1.42.2.27.8.5.1"), text("0\0")])),
);
const WHOLE: readonly (readonly [string, Written, string])[] = [
  ["a success", { result: 0 }, "accepted"],
  ["a success with lengths in four bytes", { result: 0, isLong: true }, "accepted"],
  ["a success with controls", { result: 0, controls: CONTROLS }, "accepted"],
  ["a success with credentials of the server", { result: 0, more: [CREDENTIALS] }, "accepted"],
  ["wrong name or password", { result: 49 }, "refused"],
  ["wrong name or password, with controls", { result: 49, isLong: true, controls: CONTROLS }, "refused"],
  ["a pointer to another server", { result: 10, more: [REFERRAL] }, "ldap-error"],
  ["a server that is busy", { result: 51 }, "ldap-error"],
];

test.each(WHOLE)(
  "the LDAP client understands %s, in one piece and byte by byte",
  async (_what, written, expected) => {
    speak = (socket, id) => socket.write(reply(id, written));
    expect(await outcome(LONG)).toBe(expected);
    speak = (socket, id) => {
      socket.setNoDelay();
      for (const byte of reply(id, written)) socket.write(Buffer.of(byte));
    };
    expect(await outcome(LONG)).toBe(expected);
  },
);

test("32 KiB are enough for the text of a server", async () => {
  const long = { result: 49, more: [element(0xa3, text("x".repeat(32 * 1024)))] };
  speak = (socket, id) => socket.write(reply(id, long));
  expect(await outcome(LONG)).toBe("refused");
});

/** Bytes that mean something in BER. */
const BYTES = [0, 1, 2, 4, 0x0a, 0x30, 0x61, 0x64, 0x65, 0x78, 0x7f, 0x80, 0x81, 0x84, 0xa0, 0xff];

function damaged(valid: Buffer, random: (limit: number) => number): Buffer {
  let bytes = valid;
  for (let left = 1 + random(3); left > 0; left -= 1) {
    const from = random(bytes.length + 1);
    const to = Math.min(bytes.length, from + random(12));
    const byte = random(2) ? BYTES[random(BYTES.length)]! : random(256);
    const part = [
      ...[Buffer.of(byte), Buffer.alloc(1 + random(40), byte), Buffer.alloc(0)],
      Buffer.concat([bytes.subarray(from, to), bytes.subarray(from, to)]),
    ][random(4)]!;
    const isCut = random(4) === 0;
    bytes = Buffer.concat([bytes.subarray(0, from), part, ...(isCut ? [] : [bytes.subarray(to)])]);
  }
  return bytes;
}

/** What every reply holds that lets somebody in: the bind's number, its kind, and 0. Without it, nobody is let in. */
const mayAccept = (bytes: Buffer, id: number) =>
  new RegExp(`\\x02\\x01${String.fromCharCode(id)}\\x61.{1,5}\\n\\x01\\0`, "s").test(
    bytes.toString("latin1"),
  );
const ERRORS = ["ldap-error", "reply-too-large", "server-slow", "server-unreachable"];

test(`${RUNS} damaged replies end in time, with little memory and no connection left open`, async () => {
  // Others in each run; what was sent is shown when it was answered wrongly.
  const random = numbers(1 + (Date.now() % 2 ** 31));
  const before = used();
  let most = 0;
  const counts: { [outcome: string]: number } = {};
  for (let done = 0; done < RUNS; done += AT_ONCE) {
    const sent = new Map<TLSSocket, { bytes: Buffer; id: number }>();
    const isLast = done % (AT_ONCE * 5) === 0;
    speak = (socket, id) => {
      const bytes = damaged(reply(id, WHOLE[random(WHOLE.length)]![1]), random);
      sent.set(socket, { bytes, id });
      if (isLast) socket.write(bytes);
      else socket.end(bytes);
    };
    const outcomes = await Promise.all(Array.from({ length: AT_ONCE }, () => outcome(isLast ? SHORT : LONG)));
    most = Math.max(most, used() - before);
    for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1;
    const hex = [...sent.values()].map(({ bytes }) => bytes.toString("hex")).join("\n");
    expect(
      outcomes.filter((one) => !["accepted", "refused", ...ERRORS].includes(one)),
      hex,
    ).toEqual([]);
    const accepted = outcomes.filter((one) => one === "accepted").length;
    const acceptable = [...sent.values()].filter(({ bytes, id }) => mayAccept(bytes, id)).length;
    expect(accepted, hex).toBeLessThanOrEqual(acceptable);
    await allClosed();
  }
  expect(most).toBeLessThan(MOST_BYTES);

  // The damage is neither too small nor too great to say something.
  expect(counts.accepted).toBeGreaterThan(RUNS / 100);
  expect(counts["ldap-error"]).toBeGreaterThan(RUNS / 10);
  expect(unhandled).toEqual([]);
});

const message = (id: number, ...parts: Buffer[]) => element(0x30, Buffer.concat([integer(id), ...parts]));
const ODD: readonly (readonly [string, Speak, string])[] = [
  [
    "that ends within a text",
    (socket, id) =>
      socket.write(message(id, element(0x61, Buffer.concat([code(0), Buffer.from([0x04, 9, 0x78])])))),
    "ldap-error",
  ],
  ["to another bind", (socket, id) => socket.write(reply(id + 1, { result: 0 })), "ldap-error"],
  ["with number 0, as a notice", (socket) => socket.write(reply(0, { result: 0 })), "ldap-error"],
  [
    "to a search",
    (socket, id) => socket.write(message(id, element(0x65, Buffer.concat([code(0), text(""), text("")])))),
    "ldap-error",
  ],
  [
    "of 70 KiB",
    (socket, id) =>
      socket.write(reply(id, { result: 0, more: [element(0xa3, text("x".repeat(70 * 1024)))] })),
    "reply-too-large",
  ],
  ["of 2 GiB, as announced", (socket) => socket.write(Buffer.from("30847fffffff", "hex")), "reply-too-large"],
  ["of a length without end", (socket) => socket.write(Buffer.from("3080", "hex")), "ldap-error"],
  ["whose length has 127 bytes", (socket) => socket.write(Buffer.from("30ff00", "hex")), "ldap-error"],
  ["that is none", (socket) => socket.end(), "server-unreachable"],
  [
    "that is cut off",
    (socket, id) => socket.end(reply(id, { result: 0 }).subarray(0, -1)),
    "server-unreachable",
  ],
  [
    "that stops within",
    (socket, id) => socket.write(reply(id, { result: 0 }).subarray(0, -1)),
    "server-slow",
  ],
  [
    "of 60,000 bytes, one now and then",
    (socket) => {
      socket.write(Buffer.from("308300ea60", "hex"));
      const timer = setInterval(() => socket.write(Buffer.of(0)), 20);
      socket.on("close", () => clearInterval(timer));
    },
    "server-slow",
  ],
];

test.each(ODD)(
  "the LDAP client handles a reply %s within limits of time and memory",
  async (_what, speech, expected) => {
    speak = speech;
    const before = used();
    // Only what never comes needs a short time.
    expect(await outcome(expected === "server-slow" ? SHORT : LONG)).toBe(expected);
    expect(used() - before).toBeLessThan(MOST_BYTES);
    await allClosed();
  },
);
