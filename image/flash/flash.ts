// SPDX-License-Identifier: GPL-3.0-or-later
// Flashes an image: erases old signatures, writes the mapped parts, reads them back and puts the person's files on
// CBOX-BOOT. Image and disk were checked before.
import { type FileHandle, unlink } from "node:fs/promises";
import { Failure } from "../../common/fail.ts";
import { bootPartition } from "../disk/boot-partition.ts";
import { mappedBytes } from "./block-map.ts";
import { type Progress, showProgress } from "./progress.ts";
import type { ImageSource } from "./source.ts";
import { dropCache, oldPartitions, openTarget, rereadPartitions, type Target } from "./target.ts";
import { withTrouble } from "./trouble.ts";
import { blank, type CopyOptions, verifyRanges, type WrittenRange, writeRanges } from "./write.ts";

export interface FlashOptions {
  /** Files to put on CBOX-BOOT, by name. */
  readonly files: Readonly<Record<string, string>>;
  readonly verify: boolean;
  readonly signal: AbortSignal;
}

export interface Flashed {
  /** Bytes that were written; less than the image is long. */
  readonly bytes: number;
  readonly writeSeconds: number;
  readonly verifySeconds?: number;
}

/** @throws Failure; once the disk is open for writing, its message also says that the disk must be written again. */
export async function flash(source: ImageSource, target: Target, options: FlashOptions): Promise<Flashed> {
  const bytes = mappedBytes(source);
  const file = await openTarget(target, bytes);
  try {
    return await withTrouble(target, async () => {
      await blank(file, target.size, await oldPartitions(file));
      const written = await step("Writing", bytes, options.signal, (copy) => writeRanges(file, source, copy));
      const verified = options.verify ? await readBack(file, target, written.result, options) : undefined;
      await putFiles(file, target, options.files);
      return {
        bytes,
        writeSeconds: written.seconds,
        ...(verified ? { verifySeconds: verified.seconds } : {}),
      };
    });
  } catch (error) {
    await unmake(file, target);
    throw target.isNew ? error : half(error, target);
  } finally {
    await file.close();
    await rereadPartitions(target);
  }
}

async function readBack(
  file: FileHandle,
  target: Target,
  ranges: readonly WrittenRange[],
  { signal }: FlashOptions,
): Promise<{ seconds: number }> {
  await dropCache(target);
  return step("Checking", mappedBytes({ ranges }), signal, (copy) =>
    verifyRanges(file, target.path, ranges, copy),
  );
}

async function step<T>(
  verb: string,
  total: number,
  signal: AbortSignal,
  work: (copy: CopyOptions) => Promise<T>,
): Promise<{ result: T; seconds: number }> {
  const progress: Progress = showProgress(verb, total);
  let seconds = 0;
  try {
    const result = await work({ signal, onProgress: (bytes) => progress.add(bytes) });
    seconds = progress.end();
    return { result, seconds };
  } catch (error) {
    progress.end();
    throw error;
  }
}

async function putFiles(
  file: FileHandle,
  { path }: Target,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (Object.keys(files).length === 0) return;
  const partition = await bootPartition(path);
  for (const [name, content] of Object.entries(files)) await partition.put(name, content);
  await file.sync();
  for (const [name, content] of Object.entries(files)) {
    if ((await partition.get(name)) !== content) {
      throw new Failure({
        code: "disk-unreliable",
        what: `${path} does not give back what was written to it.`,
        found: `${name} on CBOX-BOOT is not as it was written`,
        hint: "try another reader or port; a card that fails twice is worn out, or smaller than it says",
      });
    }
  }
}

/** Blanks the first MiB, with partition table and boot code, so that an interrupted flash is never bootable. */
async function unmake(file: FileHandle, { size, isNew, path }: Target): Promise<void> {
  if (isNew) return unlink(path);
  await blank(file, Math.min(size, 1 << 20), []).catch(() => {
    // A removed or broken disk cannot be blanked either.
  });
}

function half(error: unknown, { path }: Target): unknown {
  if (!(error instanceof Failure)) return error;
  const { code, message, found, hint, exitCode } = error;
  return Failure.again(
    {
      code,
      what: `${message} ${path} is neither what it was nor a box now: write to it again.`,
      ...(found ? { found } : {}),
      ...(hint ? { hint } : {}),
      exitCode,
    },
    { cause: error },
  );
}
