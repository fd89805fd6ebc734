// SPDX-License-Identifier: GPL-3.0-or-later
// Writes the mapped parts of an image to a disk. The first MiB, with the partition table and the boot code, is
// written last, so that an interrupted flash is never bootable. Then everything is read back.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { fail } from "../../common/fail.ts";
import { MIB } from "../disk/layout.ts";
import type { Extent } from "../disk/partition-table.ts";
import type { MappedRange } from "./block-map.ts";
import type { ImageSource } from "./source.ts";

/** Bytes written at once; a multiple of the erase blocks of cards. */
const PIECE = 4 * MIB;
/** Bytes between two syncs: progress counts what is on the card, not what is in this computer's memory. */
const SYNC_EVERY = 32 * MIB;
/** Partition table and boot code; no partition begins earlier. */
const START = MIB;

/** A range with the SHA-256 of what was written there. */
export type WrittenRange = Required<MappedRange>;

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Called with the number of further bytes that are on the disk, or were read back. */
  onProgress(bytes: number): void;
}

/**
 * Erases old signatures, which programs find by their offset: the start and the end of the disk, for RAID and the
 * backup GPT, and those of each old partition, for file systems, LVM and RAID. A new partition that begins at such an
 * offset would be taken for the old one.
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
 * @throws Failure `image-damaged` when the image does not match its map; `interrupted`
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

/** Writes and syncs while the next piece is unpacked; the next call throws its error. */
class Disk {
  private writing: Promise<void> = Promise.resolve();
  private syncing: Promise<void> = Promise.resolve();
  private unsynced = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly onSynced: (bytes: number) => void,
  ) {}

  /** `bytes` must not change until the next call has returned. */
  async write(bytes: Buffer, at: number): Promise<void> {
    await this.writing;
    this.unsynced += bytes.length;
    this.writing = writeAll(this.file, bytes, at);
    // The next call awaits it; until then its failure must not count as an unhandled rejection.
    this.writing.catch(() => {});
    if (this.unsynced >= SYNC_EVERY) await this.sync();
  }

  /** Resolves when everything written is on the disk. */
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
 * The mapped bytes in pieces of at most {@link PIECE}, none of which crosses the end of a range. A piece keeps its
 * bytes until the one after the next is requested: two buffers alternate, since new ones cost more than the copying.
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
      // No range covers the rest of the image; it is still unpacked, to find errors in it.
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

/** One write call may take fewer bytes than it was given. */
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
