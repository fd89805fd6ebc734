// SPDX-License-Identifier: GPL-3.0-or-later
// The messages of a simple bind (RFC 4511, section 4.2) in BER (ITU-T X.690). The reply decides about access and is
// untrusted: it is accepted only if every part of it is valid.

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const ENUMERATED = 0x0a;
const BIND_REQUEST = 0x60;
const BIND_RESPONSE = 0x61;
const SIMPLE_PASSWORD = 0x80;
const CONTROLS = 0xa0;
/** Low bits of a tag that continues in the next byte; LDAP does not use such tags. */
const LONG_TAG = 0x1f;

const VERSION = 3;
const BIND_ID = 1;
const UNBIND_ID = 2;

/** Limit in bytes for a reply: many times a result with its texts, referrals and controls. */
export const LONGEST_REPLY = 64 * 1024;

export type BindReply =
  | { readonly kind: "result"; readonly code: number }
  | { readonly kind: "incomplete" | "too-large" | "malformed" };

/** One element, with its length in one byte or in four. */
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

/** Sent by a client before it disconnects. */
export const UNBIND_REQUEST = Buffer.from([SEQUENCE, 5, INTEGER, 1, UNBIND_ID, 0x42, 0]);

/** The first message of the bytes received so far; the rest is ignored. `code`: RFC 4511, appendix A. */
export function readBindReply(bytes: Buffer): BindReply {
  // Checked before the message is complete, so as not to wait for the rest of an invalid one.
  if (bytes.length > 0 && bytes[0] !== SEQUENCE) return { kind: "malformed" };
  const head = readHead(bytes);
  if (typeof head === "string") return { kind: head };
  if (head.length > LONGEST_REPLY) return { kind: "too-large" };
  if (bytes.length < head.size + head.length) return { kind: "incomplete" };
  const code = readResult(bytes.subarray(head.size, head.size + head.length));
  return code === undefined ? { kind: "malformed" } : { kind: "result", code };
}

/** The result code in a message; undefined if it is not a reply to this bind. */
function readResult(content: Buffer): number | undefined {
  const [id, operation, controls, ...others] = readElements(content) ?? [];
  if (id?.tag !== INTEGER || readNumber(id.content) !== BIND_ID) return undefined;
  if (operation?.tag !== BIND_RESPONSE || others.length > 0) return undefined;
  if (controls && controls.tag !== CONTROLS) return undefined;
  // Optional parts after these three (referrals, SASL credentials) are not needed.
  const [result, matchedDn, message] = readElements(operation.content) ?? [];
  if (result?.tag !== ENUMERATED || matchedDn?.tag !== OCTET_STRING || message?.tag !== OCTET_STRING)
    return undefined;
  return readNumber(result.content);
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** A sequence of elements, not decoded further; undefined unless they fill the bytes exactly. */
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

/**
 * Size of an element's header, and length of its content. LDAP has no indefinite lengths (RFC 4511, section 5.1);
 * some servers encode a short one in four bytes.
 */
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
