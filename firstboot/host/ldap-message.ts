// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of a simple bind (RFC 4511, section 4.2) in BER (ITU-T X.690). The reply decides who is let in and comes from
// somebody else: what is not in every part a reply to this bind is none, and nothing is taken for granted that it lacks.

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const ENUMERATED = 0x0a;
const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const SIMPLE_PASSWORD = 0x80;
const CONTROLS = 0xa0;
/** The low bits of a tag that goes on in the next byte, which LDAP never has. */
const LONG_TAG = 0x1f;

const VERSION = 3;
const BIND_ID = 1;
const UNBIND_ID = 2;

/** Bytes of a reply. A result is short; with texts, other servers and controls it has room in this many times over. */
export const LONGEST_REPLY = 64 * 1024;

export type BindReply =
  | { readonly kind: "result"; readonly code: number }
  | { readonly kind: "incomplete" | "too-large" | "malformed" };

/** One element: its length in one byte, or in four. */
function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const head = Buffer.from([tag, content.length]);
  if (content.length < 0x80) return Buffer.concat([head, content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([Buffer.from([tag, 0x84]), length, content]);
}

export function bindRequest(dn: string, password: string): Buffer {
  const version = element(INTEGER, Buffer.of(VERSION));
  const name = element(OCTET_STRING, Buffer.from(dn));
  const secret = element(SIMPLE_PASSWORD, Buffer.from(password));
  return element(
    SEQUENCE,
    element(INTEGER, Buffer.of(BIND_ID)),
    element(BIND_REQUEST, version, name, secret),
  );
}

/** What a client says before it hangs up. */
export const UNBIND_REQUEST = Buffer.from([SEQUENCE, 5, INTEGER, 1, UNBIND_ID, 0x42, 0]);

/** The first message of what a server has sent so far; what follows it is not read. `code`: RFC 4511, appendix A. */
export function readBindReply(bytes: Buffer): BindReply {
  // Before all of it is there: nobody waits for the rest of something else.
  if (bytes.length > 0 && bytes[0] !== SEQUENCE) return { kind: "malformed" };
  const head = readHead(bytes);
  if (typeof head === "string") return { kind: head };
  if (head.length > LONGEST_REPLY) return { kind: "too-large" };
  if (bytes.length < head.size + head.length) return { kind: "incomplete" };
  const code = readResult(bytes.subarray(head.size, head.size + head.length));
  return code === undefined ? { kind: "malformed" } : { kind: "result", code };
}

/** The result code in the content of a message, unless that is anything but a reply to the bind. */
function readResult(content: Buffer): number | undefined {
  const [id, operation, controls, ...others] = readElements(content) ?? [];
  if (id?.tag !== INTEGER || readNumber(id.content) !== BIND_ID) return undefined;
  if (operation?.tag !== BIND_RESPONSE || others.length > 0) return undefined;
  if (controls && controls.tag !== CONTROLS) return undefined;
  // What may follow these three (other servers, credentials of SASL) changes nothing here.
  const [result, matchedDn, message] = readElements(operation.content) ?? [];
  if (result?.tag !== ENUMERATED || matchedDn?.tag !== OCTET_STRING || message?.tag !== OCTET_STRING)
    return undefined;
  return readNumber(result.content);
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** Elements one after the other, without looking into them; undefined unless they fill the bytes to the last one. */
function readElements(bytes: Buffer): readonly Element[] | undefined {
  const elements: Element[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const head = readHead(rest);
    if (typeof head === "string" || rest.length < head.size + head.length) return undefined;
    const end = head.size + head.length;
    elements.push({ tag: rest[0] ?? 0, content: rest.subarray(head.size, end) });
    rest = rest.subarray(end);
  }
  return elements;
}

/** Bytes of an element's tag and length, and of its content as they say. LDAP has no length that is left open (RFC 4511,
 * section 5.1); some servers write a short one in four bytes. */
function readHead(
  bytes: Buffer,
): { readonly size: number; readonly length: number } | "incomplete" | "malformed" {
  const [tag, first] = bytes;
  if (tag !== undefined && (tag & LONG_TAG) === LONG_TAG) return "malformed";
  if (first === undefined) return "incomplete";
  if (first < 0x80) return { size: 2, length: first };
  const count = first & 0x7f;
  if (count < 1 || count > 4) return "malformed";
  if (bytes.length < 2 + count) return "incomplete";
  return { size: 2 + count, length: bytes.readUIntBE(2, count) };
}

/** A number in one to four bytes. */
function readNumber(bytes: Buffer): number | undefined {
  return bytes.length >= 1 && bytes.length <= 4 ? bytes.readIntBE(0, bytes.length) : undefined;
}
