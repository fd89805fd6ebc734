// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a file so that a power cut leaves either the old content or the new one, never half of it: temporary
// file, fsync, rename, fsync of the directory. FAT keeps this order as well, since each step is synced by itself.

import { mkdir, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface AtomicOptions {
  /** Permission bits, 0644 unless said. Ignored by FAT. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Replaces the content of `path`, making its directory when it is missing. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, owner }: AtomicOptions = {},
): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  // One fixed name per target: a leftover of a power cut is overwritten by the next try, not collected.
  const temporary = join(directory, `.${basename(path)}.new`);
  // A leftover may have other permissions, and what it will hold may be secret: never write into it.
  await unlink(temporary).catch(ignoreMissing);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      // By the descriptor: whoever may write in the directory could have put a link in the place of the name.
      if (owner) await file.chown(owner.uid, owner.gid);
      // open() is subject to the umask; FAT refuses chmod and has no permissions to protect.
      await file.chmod(mode).catch(ignoreUnsupported);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(ignoreMissing);
    throw error;
  }
  await syncDirectory(directory);
}

/** Makes the names in a directory durable: a rename, a new file or a removal in it. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

function ignoreUnsupported(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPERM" && error.code !== "ENOTSUP") throw error;
}
