// SPDX-License-Identifier: GPL-3.0-or-later
// The community's certificate authority: ca.pem from the CBOX-BOOT partition is checked and stored on the box;
// requests to the community's servers trust it in addition to the public authorities.

import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type Box, type TlsTrust, writeIfChanged } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";
import { paths } from "./paths.ts";
import { toTrouble } from "./trouble.ts";

/** All public authorities together are smaller. */
const MAX_CHARACTERS = 256 * 1024;

/** Directory of update-ca-certificates. */
const ADDED = "/usr/local/share/ca-certificates";

const BLOCK = /-----BEGIN ([^\r\n-]+)-----[\s\S]*?-----END \1-----/g;

/** The certificates of a PEM file, or a sentence why it is not valid. Never quotes the file. */
export type Authorities = { readonly certificates: readonly string[] } | { readonly fault: string };

export function readAuthorities(text: string): Authorities {
  if (text.length > MAX_CHARACTERS) return { fault: `it is larger than ${MAX_CHARACTERS / 1024} KiB` };
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return { fault: "there is no certificate in PEM form in it" };
  const certificates: string[] = [];
  for (const [index, [pem, kind]] of blocks.entries()) {
    // Especially no private key: the copy on the box is readable by all users.
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
 * Stores ca.pem from the boot partition, if there is one. Called when a set-up starts; an invalid file or an
 * unreadable partition is reported to `tell` and does not stop the set-up.
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

/** Whether the boot partition has an invalid ca.pem. */
export async function isAuthorityIgnored(box: Box, image: ImageInfo): Promise<boolean> {
  const found = await dropped(box, image).catch(() => undefined);
  return found !== undefined && "fault" in found;
}

/** Trusted for requests to the community's servers: the public authorities and the community's own. */
export async function tlsTrust(box: Pick<Box, "readFile">, image: ImageInfo): Promise<TlsTrust> {
  const files = [paths.authorities, image.community.ldap.tls.ca_file].filter((path) => path !== undefined);
  const authorities: string[] = [];
  for (const path of files) {
    // Missing or damaged: not trusted, and the later connection error gives the hint.
    const found = readAuthorities((await box.readFile(path).catch(() => undefined)) ?? "");
    if ("certificates" in found) authorities.push(...found.certificates);
  }
  return authorities.length ? { authorities: [...new Set(authorities)] } : {};
}

/** Authorities that the machine's owner added by update-ca-certificates; an invalid file is skipped. */
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
