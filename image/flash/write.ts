// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the mapped parts of an image to a disk, in an order that a half-written disk cannot be taken for a box: its
// start, with the partition table and the boot code, comes last. Then everything is read back.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { fail } from "../../common/fail.ts";
import { MIB } from "../disk/layout.ts";
import type { Extent } from "../disk/partition-table.ts";
import type { MappedRange } from "./block-map.ts";
import type { ImageSource } from "./source.ts";

/** How much is written at once; a multiple of what cards erase at once. */
const PIECE = 4 * MIB;
/** After so much the disk has to have it: the progress is that of the card, not of this computer's memory. */
const SYNC_EVERY = 32 * MIB;
/** Partition table and boot code; no partition begins earlier. */
const START = MIB;

/** A range with the SHA-256 of what was written there. */
export type WrittenRange = Required<MappedRange>;

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** So many more bytes are on the disk, or were read back. */
  onProgress(bytes: number): void;
}

/**
 * Takes away what could be found by its place once the new table stands: the start and the end of the disk, where RAID
 * and the second copy of a GPT have their marks, and those of each partition of before, where a file system, LVM or
 * RAID has its own. A new partition that begins there would be taken for the old one.
 */
export async function blank(file: FileHandle, size: number, old: readonly Extent[]): Promise<void> {
  const zeros = Buffer.alloc(MIB);
  const erase = async (from: number, to: number) => {
    const start = Math.max(0, from);
    const length = Math.min(size, to) - start;
    if (length > 0) await file.write(zeros, 0, length, start);
  };
  await erase(0, START);
  for (const { start, size: length } of old) {
    const end = start + length;
    await erase(start, Math.min(start + MIB, end));
    await erase(Math.max(start, end - MIB), end);
  }
  await erase(size - MIB, size);
  await file.datasync();
}

/**
 * Writes every mapped range.
 * @returns the ranges with their checksums.
 * @throws Failure `image-damaged` where the image is not what its map says; `interrupted`
 */
export async function writeRanges(
  file: FileHandle,
  source: Pick<ImageSource, "name" | "ranges" | "stream" | "isChecked">,
  { signal, onProgress }: CopyOptions,
): Promise<readonly WrittenRange[]> {
  const written: WrittenRange[] = [];
  const late: { at: number; bytes: Buffer }[] = [];
  const disk = new Disk(file, onProgress);
  let next = 0;
  let hash = createHash("sha256");
  for await (const { at, bytes } of mappedPieces(source, signal)) {
    const range = source.ranges[next]!;
    const isKnown = source.isChecked && range.sha256 !== undefined;
    const held = Math.min(bytes.length, Math.max(0, START - at));
    if (held > 0) late.push({ at, bytes: Buffer.from(bytes.subarray(0, held)) });
    await disk.write(bytes.subarray(held), at + held);
    if (!isKnown) hash.update(bytes);
    if (at + bytes.length < range.start + range.length) continue;
    const sha256 = isKnown ? range.sha256 : hash.digest("hex");
    if (range.sha256 && range.sha256 !== sha256) damaged(source.name, range.start);
    written.push({ ...range, sha256 });
    hash = createHash("sha256");
    next += 1;
  }
  if (next < source.ranges.length) damaged(source.name, source.ranges[next]!.start);
  await disk.settled();
  for (const { at, bytes } of late) await disk.write(bytes, at);
  await disk.settled();
  return written;
}

/** Writes and syncs while the next piece is unpacked; an error comes out at the next call. */
class Disk {
  private writing: Promise<void> = Promise.resolve();
  private syncing: Promise<void> = Promise.resolve();
  private unsynced = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly onSynced: (bytes: number) => void,
  ) {}

  /** `bytes` must not change before the call after this one has come back. */
  async write(bytes: Buffer, at: number): Promise<void> {
    await this.writing;
    this.unsynced += bytes.length;
    this.writing = writeAll(this.file, bytes, at);
    // It is awaited by the next call; until then nobody else may be told of its failure.
    this.writing.catch(() => {});
    if (this.unsynced >= SYNC_EVERY) await this.sync();
  }

  /** Resolves when all of it is on the disk. */
  async settled(): Promise<void> {
    await this.sync();
    await this.syncing;
  }

  private async sync(): Promise<void> {
    await this.writing;
    await this.syncing;
    const bytes = this.unsynced;
    this.unsynced = 0;
    this.syncing = this.file.datasync().then(() => this.onSynced(bytes));
    this.syncing.catch(() => {});
  }
}

/**
 * Reads every range back and compares it with what was written.
 * @throws Failure `disk-unreliable`, `interrupted`
 */
export async function verifyRanges(
  file: FileHandle,
  name: string,
  ranges: readonly WrittenRange[],
  { signal, onProgress }: CopyOptions,
): Promise<void> {
  const buffer = Buffer.alloc(PIECE);
  for (const { start, length, sha256 } of ranges) {
    const hash = createHash("sha256");
    for (let done = 0; done < length; ) {
      stopIf(signal);
      const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, length - done), start + done);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
      onProgress(bytesRead);
    }
    if (hash.digest("hex") === sha256) continue;
    fail({
      code: "disk-unreliable",
      what: `${name} does not give back what was written to it.`,
      found: `other bytes somewhere in the ${(length / 1e6).toFixed(1)} MB from byte ${start} on`,
      hint: "try another reader or port; a card that fails twice is worn out, or smaller than it says",
    });
  }
}

/**
 * The mapped bytes in pieces of at most {@link PIECE}, none of which reaches over the end of a range. A piece keeps its
 * bytes until the one after the next is asked for: two buffers take turns, since new ones would cost more than all the
 * copying.
 */
async function* mappedPieces(
  { ranges, stream }: Pick<ImageSource, "ranges" | "stream">,
  signal: AbortSignal,
): AsyncIterable<{ at: number; bytes: Buffer }> {
  let piece = Buffer.allocUnsafe(PIECE);
  let other = Buffer.allocUnsafe(PIECE);
  let filled = 0;
  let position = 0;
  let next = 0;
  for await (const chunk of stream(signal)) {
    stopIf(signal);
    let from = 0;
    while (from < chunk.length) {
      const range = ranges[next];
      // The rest of the image is without meaning; it still has to end well.
      if (!range) break;
      const at = position + from;
      if (at < range.start) {
        from += Math.min(range.start - at, chunk.length - from);
        continue;
      }
      const end = range.start + range.length;
      const length = Math.min(PIECE - filled, chunk.length - from, end - at);
      chunk.copy(piece, filled, from, from + length);
      filled += length;
      from += length;
      if (filled < PIECE && at + length < end) continue;
      yield { at: at + length - filled, bytes: piece.subarray(0, filled) };
      [piece, other] = [other, piece];
      filled = 0;
      if (at + length === end) next += 1;
    }
    position += chunk.length;
  }
  stopIf(signal);
}

/** A disk may take less than it was given. */
async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

function stopIf(signal: AbortSignal): void {
  if (signal.aborted) fail({ code: "interrupted", what: "Stopped by Ctrl-C.", exitCode: 130 });
}

function damaged(name: string, at: number): never {
  return fail({
    code: "image-damaged",
    what: `The image ${name} is not what its block map says.`,
    found: `other bytes, or none, from byte ${at} on`,
    hint: "download it again, or build it again",
  });
}
