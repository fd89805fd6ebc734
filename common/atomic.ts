// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a file so that after a power cut it has either the old or the new content: temporary file, fsync, rename,
// fsync of the directory. Also works on FAT, since each step is synced separately.

import { mkdir, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface AtomicOptions {
  /** Permission bits, default 0644. Ignored by FAT. */
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Replaces the content of `path`; creates its directory if it is missing. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644, owner }: AtomicOptions = {},
): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  // One fixed name per target: the next attempt replaces what a power cut left, so such files do not accumulate.
  const temporary = join(directory, `.${basename(path)}.new`);
  // An old one may have other permissions, and the content may be secret: never write into it.
  await unlink(temporary).catch(ignoreMissing);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      // By descriptor: another account with write access to the directory could have replaced the name by a link.
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

/** Makes changes of a directory's entries durable: a rename, a new file or a removal. */
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
