// SPDX-License-Identifier: GPL-3.0-or-later
// Reads one line of an SSH public key (RFC 4253 section 6.6, RFC 5656, RFC 8709, and OpenSSH's PROTOCOL.u2f) and
// says what is wrong with it. The base64 part is opened: a line that was cut while pasting is found out here.

import { createHash } from "node:crypto";

export type SshKeyProblem =
  | "ssh-key-private"
  | "ssh-key-syntax"
  | "ssh-key-type"
  | "ssh-key-damaged"
  | "ssh-key-weak";

export interface SshKey {
  readonly type: string;
  readonly base64: string;
  readonly comment: string;
  /** "SHA256:…", as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

/** How many fields follow the type name in the blob, and what must hold for them. */
const TYPES: { readonly [type: string]: { fields: number; isSound(fields: readonly Buffer[]): boolean } } = {
  "ssh-ed25519": { fields: 1, isSound: ([key]) => key?.length === 32 },
  "ssh-rsa": { fields: 2, isSound: ([, modulus]) => bits(modulus) >= 2048 },
  "ecdsa-sha2-nistp256": { fields: 2, isSound: ([curve]) => curve?.toString() === "nistp256" },
  "ecdsa-sha2-nistp384": { fields: 2, isSound: ([curve]) => curve?.toString() === "nistp384" },
  "ecdsa-sha2-nistp521": { fields: 2, isSound: ([curve]) => curve?.toString() === "nistp521" },
  "sk-ssh-ed25519@openssh.com": { fields: 2, isSound: ([key]) => key?.length === 32 },
  "sk-ecdsa-sha2-nistp256@openssh.com": { fields: 3, isSound: ([curve]) => curve?.toString() === "nistp256" },
};

export const SSH_KEY_TYPES = Object.keys(TYPES);

export function parseSshKey(line: string): SshKey | SshKeyProblem {
  const text = line.trim();
  if (/^-----BEGIN|PRIVATE KEY/.test(text)) return "ssh-key-private";
  // authorized_keys options before the type ("command=…") are left to the owner to add by hand later.
  const match = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(text);
  if (!match) return "ssh-key-syntax";
  const [, type = "", base64 = "", comment = ""] = match;
  const rules = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (!rules) return /^(ssh|ecdsa|sk)-/.test(type) ? "ssh-key-type" : "ssh-key-syntax";
  const blob = Buffer.from(base64, "base64");
  const fields = splitBlob(blob);
  const isWhole = blob.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  if (!isWhole || fields?.[0]?.toString() !== type || fields.length !== rules.fields + 1)
    return "ssh-key-damaged";
  if (!rules.isSound(fields.slice(1))) return type === "ssh-rsa" ? "ssh-key-weak" : "ssh-key-damaged";
  return { type, base64, comment, fingerprint: fingerprint(blob) };
}

/** The line as it goes into authorized_keys: one space between the parts, nothing else. */
export function formatSshKey(key: SshKey): string {
  return [key.type, key.base64, key.comment].filter(Boolean).join(" ");
}

function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Length-prefixed strings until the end, or undefined when the lengths do not add up. */
function splitBlob(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const length = blob.readUInt32BE(at);
    if (at + 4 + length > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}

/** Bits of an mpint, which has a leading zero byte when its highest bit is set. */
function bits(mpint: Buffer | undefined): number {
  const start = mpint?.findIndex((byte) => byte !== 0) ?? -1;
  if (!mpint || start < 0) return 0;
  return (mpint.length - start) * 8 - Math.clz32(mpint[start] ?? 0) + 24;
}
