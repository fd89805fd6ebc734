// SPDX-License-Identifier: GPL-3.0-or-later
// The secrets gate: all boxes share the image, so nothing in it may identify a box or give access to one. Searches
// /etc, /root, /home, /var/lib and our own files as taken out of the finished image.
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** Files that must not be there, or must be empty, relative to the root. */
const FORBIDDEN = [
  /^etc\/ssh\/ssh_host_/,
  /^var\/lib\/systemd\/(random-seed|credential\.secret)$/,
  /^var\/lib\/dbus\/machine-id$/,
  /^etc\/tinc\/.*rsa_key\.priv$/,
  /^var\/lib\/community-box\/(state\.json|configured)/,
  /(^|\/)\.(bash|node_repl|python)_history$/,
  /(^|\/)authorized_keys$/,
];

const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
/** Bytes; larger files are databases of packages, not keys. */
const MAX_KEY_FILE = 1024 * 1024;

/** Every finding, as one sentence each. */
export async function findSecrets(tree: string): Promise<string[]> {
  const findings: string[] = [];
  const machineId = join(tree, "etc/machine-id");
  if (!existsSync(machineId)) findings.push("/etc/machine-id is missing; it must be there and empty");
  else if ((await readFile(machineId, "utf8")) !== "")
    findings.push("/etc/machine-id is set; every box would have the same");

  findings.push(...checkShadow(await readFile(join(tree, "etc/shadow"), "utf8")));

  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const name = path.slice(tree.length + 1);
    if (FORBIDDEN.some((pattern) => pattern.test(name))) findings.push(`/${name} must not be in an image`);
    if ((await stat(path)).size <= MAX_KEY_FILE && PRIVATE_KEY.test(await readFile(path, "latin1"))) {
      findings.push(`/${name} holds a private key`);
    }
  }
  return findings;
}

/** Every account is locked: its password field is `*` or starts with `!`, and root is there. */
export function checkShadow(shadow: string): string[] {
  const entries = shadow
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(":"));
  const open = entries.filter(([, hash = ""]) => !/^(\*|!.{0,1})$/.test(hash));
  const findings = open.map(([name]) => `the account ${name} is not locked in /etc/shadow`);
  if (!entries.some(([name]) => name === "root")) findings.push("/etc/shadow has no root account");
  return findings;
}
