// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the raw disk image of a profile: as the build left it in the cache, or unpacked into the cache once.
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { cacheDir } from "../cache/directory.ts";
import { noteUse, rawImage } from "../cache/images.ts";
import { sha256 } from "../host/sha256.ts";
import { readManifest } from "./manifest.ts";
import { checkListed, readSums, signerFor, type Trust } from "./signature.ts";

export interface LocatedImage {
  /** Raw, sparse, and not to be written to. */
  readonly path: string;
  /** What the person knows it by: the file the build published, or the one that was named. */
  readonly name: string;
}

/**
 * The image of the newest build of a profile.
 * @param out directory the build wrote to.
 * @param trust whose signatures are believed; absent: it was built just now.
 * @throws Failure `image-missing`, `image-damaged`, and as {@link readSums} and {@link signerFor} do
 */
export async function locateImage(profileId: string, out: string, trust?: Trust): Promise<LocatedImage> {
  const manifest = await readManifest(out);
  if (!manifest) return missing(out, `./cbox build ${profileId}`);
  const { file, raw_sha256: sha } = manifest.image;
  if (trust) await checkSigned(join(out, file), true, trust);
  const raw = rawImage(join(cacheDir(), "images"), sha);
  if (!existsSync(raw)) await unpack(join(out, file), sha, raw, `./cbox build ${profileId}`);
  await noteUse(raw);
  return { path: raw, name: file };
}

/** An image a person named: raw, or packed with zstd. Fails as {@link locateImage} does. */
export async function openImage(path: string, trust: Trust = {}): Promise<LocatedImage> {
  if (!existsSync(path)) return missing(path, "ls out/*/*.img.zst");
  const manifest = await readManifest(dirname(path));
  const isPublished = manifest?.image.file === basename(path);
  await checkSigned(path, isPublished, trust);
  if (!path.endsWith(".zst")) return { path, name: basename(path) };
  // A file without a manifest is cached by its own hash, since the hash of the unpacked image is not known yet.
  const key = isPublished ? manifest.image.raw_sha256 : `packed-${await sha256(path)}`;
  const raw = rawImage(join(cacheDir(), "images"), key);
  if (!existsSync(raw)) await unpack(path, isPublished ? key : undefined, raw, "./cbox build PROFILE");
  await noteUse(raw);
  return { path: raw, name: basename(path) };
}

/** A published image is known by its manifest, which has the checksum of what it unpacks to. */
async function checkSigned(image: string, isPublished: boolean, trust: Trust): Promise<void> {
  const sums = await readSums(dirname(image), trust);
  if (!signerFor(image, sums, trust) || !sums) return;
  const read = isPublished ? join(dirname(image), "manifest.json") : image;
  await checkListed(sums, [read], "./cbox build PROFILE");
}

async function unpack(
  packed: string,
  expected: string | undefined,
  raw: string,
  hint: string,
): Promise<void> {
  if (!existsSync(packed)) return missing(packed, hint);
  await mkdir(dirname(raw), { recursive: true });
  const partial = `${raw}.partial-${randomUUID()}`;
  try {
    await $({ quiet: true })`zstd -q -d -f --sparse ${packed} -o ${partial}`;
    const found = expected && (await sha256(partial));
    if (found !== expected) damaged(packed, `the disk inside has SHA-256 ${found}, not ${expected}`, hint);
    await rename(partial, raw);
  } catch (error) {
    if (error instanceof Error && "stderr" in error) damaged(packed, String(error.stderr).trim(), hint);
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
}

function missing(path: string, hint: string): never {
  return fail({
    code: "image-missing",
    what: "There is no image to boot yet.",
    found: `nothing in ${path}`,
    hint,
  });
}

function damaged(path: string, found: string, hint: string): never {
  return fail({ code: "image-damaged", what: `The image ${path} cannot be unpacked.`, found, hint });
}
