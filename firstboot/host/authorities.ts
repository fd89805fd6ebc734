// SPDX-License-Identifier: GPL-3.0-or-later
// The community's own certificate authority: ca.pem, dropped beside answers.yaml on the CBOX-BOOT partition, is checked
// and kept on the box; whoever asks a server of the community trusts it beside the public authorities.

import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type Box, type TlsTrust, writeIfChanged } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";
import { paths } from "./paths.ts";
import { toTrouble } from "./trouble.ts";

/** All public authorities together take less than this. */
const MAX_CHARACTERS = 256 * 1024;

/** Where update-ca-certificates takes them from. */
const ADDED = "/usr/local/share/ca-certificates";

const BLOCK = /-----BEGIN ([^\r\n-]+)-----[\s\S]*?-----END \1-----/g;

/** The certificates of a PEM file, or a sentence that says why it is none. Never quotes the file. */
export type Authorities = { readonly certificates: readonly string[] } | { readonly fault: string };

export function readAuthorities(text: string): Authorities {
  if (text.length > MAX_CHARACTERS) return { fault: `it is larger than ${MAX_CHARACTERS / 1024} KiB` };
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return { fault: "there is no certificate in PEM form in it" };
  const certificates: string[] = [];
  for (const [index, [pem, kind]] of blocks.entries()) {
    // Above all no private key: the copy on the box is readable by all.
    if (kind !== "CERTIFICATE") return { fault: "it holds something other than certificates" };
    if (!isCertificate(pem)) return { fault: `certificate ${index + 1} in it is damaged` };
    certificates.push(pem);
  }
  return { certificates };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/**
 * Takes ca.pem from the boot partition, when there is one. Called when a set-up starts; a file that is no good, or a
 * partition that cannot be read, is told to `tell` and stops nobody.
 */
export async function takeAuthorities(
  box: Box,
  image: ImageInfo,
  tell: (line: string) => void,
): Promise<void> {
  try {
    const found = await dropped(box, image);
    if (!found) return;
    if ("fault" in found) return tell(`ca.pem on the boot partition is not used: ${found.fault}`);
    await writeIfChanged(box, paths.authorities, `${found.certificates.join("\n")}\n`);
    tell(`ca.pem on the boot partition: ${found.certificates.length} certificate(s) are trusted`);
  } catch (error) {
    tell(`ca.pem on the boot partition could not be taken over: ${toTrouble(error).what}`);
  }
}

/** Whether somebody put a ca.pem on the boot partition that is no good. */
export async function isAuthorityIgnored(box: Box, image: ImageInfo): Promise<boolean> {
  const found = await dropped(box, image).catch(() => undefined);
  return found !== undefined && "fault" in found;
}

/** What requests to the community's servers trust: the public authorities and the community's own. */
export async function tlsTrust(box: Pick<Box, "readFile">, image: ImageInfo): Promise<TlsTrust> {
  const files = [paths.authorities, image.community.ldap.tls.ca_file].filter((path) => path !== undefined);
  const authorities: string[] = [];
  for (const path of files) {
    // Missing or damaged: not trusted, and the failure to come says how to mend it.
    const found = readAuthorities((await box.readFile(path).catch(() => undefined)) ?? "");
    if ("certificates" in found) authorities.push(...found.certificates);
  }
  return authorities.length ? { authorities: [...new Set(authorities)] } : {};
}

/** What the machine's owner added to those it trusts by update-ca-certificates; a file that is no good is skipped. */
export async function addedAuthorities(box: Pick<Box, "list" | "readFile">): Promise<readonly string[]> {
  const names = (await box.list(ADDED, { recursive: true })).filter((name) => name.endsWith(".crt"));
  const found: string[] = [];
  for (const name of names) {
    const read = readAuthorities((await box.readFile(join(ADDED, name)).catch(() => undefined)) ?? "");
    if ("certificates" in read) found.push(...read.certificates);
  }
  return found;
}

async function dropped(box: Box, image: ImageInfo): Promise<Authorities | undefined> {
  const text = await box.readFile(join(image.boot_mount, "ca.pem"));
  return text === undefined ? undefined : readAuthorities(text);
}
