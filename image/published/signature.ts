// SPDX-License-Identifier: GPL-3.0-or-later
// The detached signature of an image's checksums: made by a build, and checked against public keys that a person
// trusts before the image is used. gpg uses a temporary key ring each time.
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { PROFILES, shownPath } from "../host/paths.ts";
import type { Session } from "../host/session.ts";
import { sha256 } from "../host/sha256.ts";
import { ownProfiles } from "../profile/directories.ts";

/** Writes `<file>.asc` with the secret key in `keyFile`. */
export async function sign(session: Session, keyFile: string, file: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "cbox-sign-"));
  const gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty"];
  try {
    await rm(`${file}.asc`, { force: true });
    await session.run([...gpg, "--import", keyFile]);
    await session.run([...gpg, "--armor", "--detach-sign", "--output", `${file}.asc`, file]);
  } finally {
    await session.run(["gpgconf", "--homedir", home, "--kill", "all"], { allow: [1, 2] });
    await rm(home, { recursive: true, force: true });
  }
}

/** Options about signatures. */
export interface Trust {
  /** Files with public keys. None: those of {@link trustedKeys}. */
  readonly keys?: readonly string[];
  /** An image without a signature is refused. */
  readonly isRequired?: boolean;
}

export interface Signer {
  /** As the key says: "Guifi.net images <images@example.net>". */
  readonly name: string;
  readonly fingerprint: string;
}

/** The checksums beside an image. */
export interface Sums {
  /** SHA-256 by the name of the file. */
  readonly byName: ReadonlyMap<string, string>;
  /** Of the list as a whole; undefined: it is not signed. */
  readonly signer?: Signer;
}

/** Of the options of a command. */
export function trustOf({
  key,
  requireSignature,
}: {
  key?: readonly string[];
  requireSignature?: boolean;
}): Trust {
  return { ...(key ? { keys: key } : {}), isRequired: requireSignature ?? false };
}

/** For a person, in one line. */
export function signedBy(signer: Signer | undefined): string {
  return signer
    ? `Signed by ${signer.name} (${signer.fingerprint}).`
    : "It is not signed: nobody vouches for where it is from.";
}

/** Public keys that came with the project, and with a person's own profiles. */
export function trustedKeys(): readonly string[] {
  return [PROFILES, ownProfiles()].flatMap((folder) => {
    const keys = folder && join(folder, "keys");
    if (!keys || !existsSync(keys)) return [];
    const names = readdirSync(keys).filter((name) => /\.(asc|gpg|pgp)$/.test(name));
    return names.sort().map((name) => join(keys, name));
  });
}

/**
 * The list SHA256SUMS of a folder, its signature checked where there is one.
 * @throws Failure `signature-bad`, `signature-unknown`, `signature-key`
 */
export async function readSums(folder: string, trust: Trust = {}): Promise<Sums | undefined> {
  const list = join(folder, "SHA256SUMS");
  if (!existsSync(list)) return undefined;
  // Read once, so that the checked bytes are the ones that are used.
  const text = await readFile(list);
  const signer = existsSync(`${list}.asc`) ? await signerOf(list, text, trust) : undefined;
  const lines = text.toString("utf8").split("\n");
  const entries = lines.flatMap((line) => {
    const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    return sum && name ? [[name, sum] as const] : [];
  });
  return { byName: new Map(entries), ...(signer ? { signer } : {}) };
}

/**
 * Who has signed the list with this file in it; undefined: nobody.
 * @throws Failure `signature-missing` where one is required
 */
export function signerFor(
  path: string,
  sums: Sums | undefined,
  { isRequired = false }: Trust,
): Signer | undefined {
  const isListed = sums?.byName.has(basename(path));
  if (sums?.signer && isListed) return sums.signer;
  if (!isRequired) return undefined;
  return fail({
    code: "signature-missing",
    what: `The image ${basename(path)} is not signed, and --require-signature refuses one that is not.`,
    found: sums?.signer
      ? `SHA256SUMS is signed and does not name ${basename(path)}`
      : `no ${join(dirname(path), sums ? "SHA256SUMS.asc" : "SHA256SUMS")}`,
    hint: "get SHA256SUMS and SHA256SUMS.asc from whoever publishes the image, into its folder, and leave the names as they are",
  });
}

/**
 * What is read beside a signed image must be what was signed.
 * @throws Failure `image-damaged`
 */
export async function checkListed(
  { byName }: Sums,
  files: readonly (string | undefined)[],
  hint: string,
): Promise<void> {
  for (const file of files) {
    if (file === undefined || !existsSync(file)) continue;
    const listed = byName.get(basename(file));
    const found = await sha256(file);
    if (listed === found) continue;
    fail({
      code: "image-damaged",
      what: `${basename(file)} is not the one that was signed with the image.`,
      found: listed ? `its SHA-256 is ${found}, not ${listed}` : "SHA256SUMS does not name it",
      hint: `download all of the image's files again, into an empty folder, or ${hint}`,
    });
  }
}

async function signerOf(list: string, text: Buffer, { keys = trustedKeys() }: Trust): Promise<Signer> {
  const home = await mkdtemp(join(tmpdir(), "cbox-keys-"));
  const gpg = async (...words: string[]) => {
    const options = ["--homedir", home, "--no-options", "--batch", "--no-tty", "--no-autostart"];
    const command = [
      "gpg",
      ...options,
      "--trust-model",
      "always",
      "--weak-digest",
      "SHA1",
      "--status-fd",
      "1",
    ];
    const { stdout, exitCode } = await $({ quiet: true, nothrow: true })`${[...command, ...words]}`;
    return { status: statusOf(stdout), isRight: exitCode === 0 };
  };
  try {
    for (const key of keys) {
      const { status } = await gpg("--import", "--", key);
      if (!status.some(({ word }) => word === "IMPORT_OK")) refuseKey(key);
    }
    const [copy, signature] = [join(home, "list"), join(home, "list.asc")];
    await writeFile(copy, text);
    await writeFile(signature, await readFile(`${list}.asc`));
    const { status, isRight } = await gpg("--verify", "--", signature, copy);
    const of = (wanted: string) => status.find(({ word }) => word === wanted)?.rest;
    const [good, valid, unknown] = [of("GOODSIG"), of("VALIDSIG"), of("NO_PUBKEY")];
    const wrong = Object.keys(REASONS).find((word) => of(word) !== undefined);
    // One known key among several signatures is enough.
    if (good && valid && !wrong && (isRight || unknown))
      return { name: printable(good.replace(/^\S+ /, "")), fingerprint: valid.split(" ")[0] ?? "" };
    return unknown && !wrong ? refuseUnknown(list, unknown, keys) : refuseBad(list, wrong);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** "[GNUPG:] GOODSIG 0123456789ABCDEF Anna <anna@example.net>" */
function statusOf(output: string): readonly { readonly word: string; readonly rest: string }[] {
  return [...output.matchAll(/^\[GNUPG:\] (\S+) ?(.*)$/gm)].map(([, word = "", rest = ""]) => ({
    word,
    rest,
  }));
}

const REASONS: Readonly<Record<string, string>> = {
  BADSIG: "the list is not as it was signed",
  EXPSIG: "the signature has expired",
  EXPKEYSIG: "the key has expired",
  REVKEYSIG: "the key was revoked by its owner",
};

function refuseBad(list: string, wrong: string | undefined): never {
  return fail({
    code: "signature-bad",
    what: `The signature of ${list} is not good: the image may not be from whom it seems to be.`,
    found: (wrong && REASONS[wrong]) ?? "nothing in SHA256SUMS.asc that gpg takes for a signature",
    hint: "download all its files again, into an empty folder; if that does not help, ask whoever publishes the image",
  });
}

function refuseUnknown(list: string, keyId: string, keys: readonly string[]): never {
  return fail({
    code: "signature-unknown",
    what: `${list} is signed by a key that is not known here.`,
    found: `key ${keyId}; known: ${keys.length === 0 ? "none" : keys.map(shownPath).join(", ")}`,
    hint: "get the public key from whoever publishes the image, by another way than the image, and add: --key FILE",
  });
}

function refuseKey(key: string): never {
  return fail({
    code: "signature-key",
    what: `There is no public key in ${shownPath(key)}.`,
    found: existsSync(key) ? "nothing in it that gpg takes for a key" : "no such file",
    hint: "a file as gpg --armor --export NAME writes it",
  });
}
