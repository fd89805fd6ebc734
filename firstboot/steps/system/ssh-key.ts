// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a line of authorized_keys or an SSH public key (RFC 4253 section 6.6, RFC 5656, RFC 8709, OpenSSH's
// PROTOCOL.u2f) and reports what is wrong. Decodes the base64 part to detect a line that was cut while pasting.

import { createHash } from "node:crypto";

export type SshKeyProblem =
  | "ssh-key-private"
  | "ssh-key-form"
  | "ssh-key-option"
  | "ssh-key-syntax"
  | "ssh-key-type"
  | "ssh-key-damaged"
  | "ssh-key-weak";

export interface SshKey {
  /** What precedes the type in authorized_keys, such as `from="10.0.0.0/8"`; empty for none. */
  readonly options: string;
  readonly type: string;
  readonly base64: string;
  readonly comment: string;
  /** "SHA256:…", as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

/** How many fields follow the type name in the blob, and how they are validated. */
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

/** From sshd(8), "AUTHORIZED_KEYS FILE FORMAT". sshd ignores a line with any other option. */
const OPTIONS = new Set(
  `agent-forwarding cert-authority no-agent-forwarding no-port-forwarding no-pty no-user-rc no-x11-forwarding
   no-touch-required port-forwarding pty restrict user-rc verify-required x11-forwarding`.split(/\s+/),
);
const OPTIONS_WITH_VALUE = new Set(
  "command environment expiry-time from permitlisten permitopen principals tunnel".split(" "),
);
const OPTION = /([A-Za-z0-9-]+)(?:="((?:\\"|[^"])*)")?/;
const LEADING_OPTIONS = new RegExp(`^(${OPTION.source}(?:,${OPTION.source})*)[ \\t]+(?=\\S)`);

/** The format of a text that is not a line of authorized_keys: PEM, RFC 4716 or PuTTY. */
export function sshKeyForm(text: string): string | undefined {
  return /^-{4,5} ?BEGIN ([A-Z0-9 ]+?) ?-{4,5}/m.exec(text)?.[1];
}

export function parseSshKey(line: string): SshKey | SshKeyProblem {
  const whole = line.trim();
  if (/PRIVATE KEY|^PuTTY-User-Key-File/.test(whole)) return "ssh-key-private";
  if (/^-{4}/.test(whole)) return "ssh-key-form";
  const options = startsWithType(whole) ? "" : (LEADING_OPTIONS.exec(whole)?.[1] ?? "");
  const text = whole.slice(options.length).trimStart();
  const match = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/.exec(text);
  // There is a key, but the text before it is not in sshd's form of options.
  if (!startsWithType(text) && /\s(?:ssh|ecdsa|sk)-\S+[ \t]+AAAA/.test(text)) return "ssh-key-option";
  if (!match) return "ssh-key-syntax";
  const [, type = "", base64 = "", comment = ""] = match;
  if (options && startsWithType(text) && unknownSshOption(options) !== undefined) return "ssh-key-option";
  const rules = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (!rules) return /^(ssh|ecdsa|sk)-/.test(type) ? "ssh-key-type" : "ssh-key-syntax";
  const blob = Buffer.from(base64, "base64");
  const fields = splitBlob(blob);
  const isWhole = blob.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  if (!isWhole || fields?.[0]?.toString() !== type || fields.length !== rules.fields + 1)
    return "ssh-key-damaged";
  if (!rules.isSound(fields.slice(1))) return type === "ssh-rsa" ? "ssh-key-weak" : "ssh-key-damaged";
  return { options, type, base64, comment, fingerprint: fingerprint(blob) };
}

function startsWithType(text: string): boolean {
  return /^(ssh|ecdsa|sk)-/.test(text);
}

/** The first option that sshd does not know, or that lacks a value or has one too many. */
export function unknownSshOption(line: string): string | undefined {
  const options = LEADING_OPTIONS.exec(`${line} x`)?.[1] ?? "";
  for (const [written, name = "", value] of options.matchAll(new RegExp(OPTION, "g"))) {
    const known = value === undefined ? OPTIONS : OPTIONS_WITH_VALUE;
    if (!known.has(name.toLowerCase())) return written;
  }
  return undefined;
}

/** The normalized line for authorized_keys: the parts, with one space between them. */
export function formatSshKey(key: SshKey): string {
  return [key.options, key.type, key.base64, key.comment].filter(Boolean).join(" ");
}

function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** The length-prefixed strings, or undefined if the lengths are inconsistent. */
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
