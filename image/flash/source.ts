// SPDX-License-Identifier: GPL-3.0-or-later
// The image that goes onto a disk: found by its profile or its file, unpacked as a stream. Before a byte is written,
// it is known to be an image of this project, complete and, where it is signed, correctly signed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fail } from "../../common/fail.ts";
import { listsFile } from "../answers/lists.ts";
import { MIB } from "../disk/layout.ts";
import { findBootPartition, type ReadAt } from "../disk/partition-table.ts";
import { sha256 } from "../host/sha256.ts";
import { resolveProfile } from "../profile/index.ts";
import { type Manifest, readManifest } from "../published/manifest.ts";
import {
  checkListed,
  readSums,
  type Signer,
  type Sums,
  signerFor,
  type Trust,
} from "../published/signature.ts";
import { type BlockMap, parseBlockMap, wholeDisk } from "./block-map.ts";

export interface ImageSource extends BlockMap {
  /** Path of the file, for messages. */
  readonly name: string;
  /** The manifest in the same folder, where it names this image. */
  readonly manifest?: Manifest;
  /** Image and block map match one list of checksums, so the map's checksums need no further check. */
  readonly isChecked: boolean;
  /** Who signed the image and every file read beside it; undefined: it is not signed. */
  readonly signer?: Signer;
  /** The bytes of the disk in order, holes included. Throws Failure `image-damaged` when unpacking fails. */
  stream(signal?: AbortSignal): AsyncIterable<Buffer>;
}

/** Bytes to read to find the first partition; boards leave up to 16 MiB before it for their boot loaders. */
const HEAD = 17 * MIB;

/**
 * @param what a profile, whose newest build in `out` is taken, or the path of a file: `.img.zst` or `.img`.
 * @throws Failure `profile-unknown`, `image-missing`, `image-damaged`, `image-foreign`, and as {@link readSums} and
 *   {@link signerFor} do
 */
export async function openSource(
  what: string,
  out: (profileId: string) => string,
  trust: Trust = {},
): Promise<ImageSource> {
  const isFile = /[/.]/.test(what);
  const profileId = isFile ? undefined : resolveProfile(what).id;
  const folder = profileId ? out(profileId) : dirname(what);
  const beside = existsSync(folder) ? await readManifest(folder) : undefined;
  const path = isFile ? what : beside && join(folder, beside.image.file);
  const hint = profileId ? `./cbox build ${profileId}` : "ls out/*/*.img.zst";
  if (!path || !existsSync(path)) return missing(path ?? folder, hint);
  const sums = await readSums(dirname(path), trust);
  const signer = signerFor(path, sums, trust);
  const manifest = beside?.image.file === basename(path) ? beside : undefined;
  if (profileId && manifest && manifest.profile.id !== profileId) {
    return foreign(`${path} is made for ${manifest.profile.id} (${manifest.profile.title})`, hint);
  }

  if (manifest && !manifest.disk)
    return foreign(`${path} is a container, which runs inside of another system`, hint);

  const isPacked = path.endsWith(".zst");
  const listed = sums?.byName.get(basename(path));
  const { size: packedSize } = manifest?.image ?? {};
  const expected = signer ? listed : (manifest?.image.sha256 ?? listed);
  if (expected !== undefined) await checkFile(path, expected, packedSize, hint);
  const mapPath = mapBeside(path);
  const lists = manifest && join(folder, listsFile(manifest.name));
  if (signer && sums)
    await checkListed(sums, [manifest && join(folder, "manifest.json"), lists, mapPath], hint);
  const stream = isPacked ? (signal?: AbortSignal) => unpack(path, hint, signal) : () => read(path);
  const isKnown = isPacked && expected !== undefined && (manifest ?? mapPath) !== undefined;
  const { size, foundBoot } = await (isKnown ? look : lookThrough)(path, stream);
  if (!foundBoot) return foreign(`${path} holds no partition CBOX-BOOT`, hint);

  const map = mapPath === undefined ? undefined : await readMap(mapPath, sums);
  const rawSize = manifest?.image.raw_size ?? size ?? map?.blocks.size;
  if (rawSize === undefined || (map && map.blocks.size !== rawSize)) {
    return damaged(path, "the image and its block map disagree about the size of the disk", hint);
  }
  return {
    name: path,
    stream,
    isChecked: isPacked && listed !== undefined && listed === expected && map?.isListed === true,
    ...(signer ? { signer } : {}),
    ...(manifest ? { manifest } : {}),
    ...(map?.blocks ?? wholeDisk(rawSize)),
  };
}

async function checkFile(
  path: string,
  expected: string,
  wholeSize: number | undefined,
  hint: string,
): Promise<void> {
  const { size } = await stat(path);
  if (wholeSize !== undefined && size < wholeSize) {
    damaged(path, `${size} bytes of ${wholeSize}: the download is not complete`, hint);
  }
  const found = await sha256(path);
  if (found !== expected) damaged(path, `its SHA-256 is ${found}, not ${expected}`, hint);
}

function mapBeside(path: string): string | undefined {
  const candidates = [path.replace(/\.img(\.zst)?$/, ".bmap"), `${path}.bmap`];
  return candidates.find((each) => each !== path && existsSync(each));
}

async function readMap(
  path: string,
  sums: Sums | undefined,
): Promise<{ blocks: BlockMap; isListed: boolean }> {
  const listed = sums?.byName.get(basename(path));
  return {
    blocks: parseBlockMap(await readFile(path, "utf8"), path),
    isListed: listed !== undefined && listed === (await sha256(path)),
  };
}

interface Look {
  /** Bytes of the disk, when all of it was read. */
  readonly size?: number;
  readonly foundBoot: boolean;
}

/** Reads only as much as shows whether there is a partition CBOX-BOOT. */
async function look(path: string, stream: ImageSource["stream"]): Promise<Look> {
  const stop = new AbortController();
  const head: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream(stop.signal)) {
    head.push(chunk);
    length += chunk.length;
    if (length >= HEAD) break;
  }
  stop.abort();
  return { foundBoot: await isOurs(Buffer.concat(head), path) };
}

/** Reads to the end: no manifest or map states the size, or no checksum shows that the file is complete. */
async function lookThrough(path: string, stream: ImageSource["stream"]): Promise<Look> {
  const head: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream()) {
    if (size < HEAD) head.push(chunk);
    size += chunk.length;
  }
  return { size, foundBoot: await isOurs(Buffer.concat(head), path) };
}

async function isOurs(head: Buffer, path: string): Promise<boolean> {
  if (head.toString("latin1", 0, 4) === "QFI\xfb") {
    fail({
      code: "image-foreign",
      what: "This is a disk of a virtual machine (qcow2), not an image for a disk.",
      found: path,
      hint: "take the file that ends in .img.zst",
    });
  }
  const read: ReadAt = async (offset, length) => head.subarray(offset, offset + length);
  return (await findBootPartition(read)) !== undefined;
}

async function* read(path: string): AsyncIterable<Buffer> {
  yield* createReadStream(path, { highWaterMark: MIB });
}

async function* unpack(path: string, hint: string, signal?: AbortSignal): AsyncIterable<Buffer> {
  // zstd refuses symbolic links.
  const zstd = spawn("zstd", ["-q", "-d", "-c", "--", await realpath(path)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = endOf(zstd);
  let said = "";
  zstd.stderr.on("data", (text) => {
    said += text;
  });
  try {
    for await (const chunk of zstd.stdout) {
      if (signal?.aborted) return;
      yield chunk as Buffer;
    }
    if ((await ended) !== 0) damaged(path, said.trim().split("\n")[0] || "zstd gave up", hint);
  } finally {
    zstd.kill("SIGKILL");
    await ended;
  }
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await Promise.race([once(child, "exit"), once(child, "error").then(() => [127])])) as [
    number | null,
  ];
  return code;
}

function missing(path: string, hint: string): never {
  return fail({
    code: "image-missing",
    what: "There is no such image yet.",
    found: `nothing in ${path}`,
    hint,
  });
}

function foreign(found: string, hint: string): never {
  return fail({ code: "image-foreign", what: "This is not the image that was asked for.", found, hint });
}

function damaged(path: string, found: string, hint: string): never {
  return fail({
    code: "image-damaged",
    what: `The image ${basename(path)} is not complete, or not as it was made.`,
    found,
    hint: `download it again, or ${hint}`,
  });
}
