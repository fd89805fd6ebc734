// SPDX-License-Identifier: GPL-3.0-or-later
// Safe paths for a program that runs as root in directories of other accounts, which could place links to any file.
// Each directory is opened from its parent's descriptor (like openat(2), which Node.js lacks). Links are followed
// only where just root or this program's account could have created them.
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fail } from "./fail.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
/** The kernel's limit (ELOOP). */
const MOST_LINKS = 40;

export interface Directory {
  /** The path of an entry, valid until it is closed. The caller must check whether `name` itself is a link. */
  at(name: string): string;
  readonly handle: FileHandle;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Creates missing directories. */
  readonly create?: boolean;
  /** The directory used as `/`, also in links. The path to it is trusted, including its links. */
  readonly root?: string;
}

/**
 * Opens a directory by its absolute path.
 * @throws Failure `path-is-link`; an error of the file system such as ENOENT.
 */
export async function openDirectory(
  path: string,
  { create = false, root = "/" }: OpenOptions = {},
): Promise<Directory> {
  const handle = await descend(path, { create, root }, 0);
  return {
    at: (name) => join(byDescriptor(handle), name),
    handle,
    close: () => handle.close(),
  };
}

const byDescriptor = ({ fd }: FileHandle) => `/proc/self/fd/${fd}`;

async function descend(path: string, options: Required<OpenOptions>, links: number): Promise<FileHandle> {
  const names = resolve("/", path).split("/").filter(Boolean);
  let handle = await open(options.root, O_RDONLY | O_DIRECTORY);
  try {
    for (const [index, name] of names.entries()) {
      const here = join(byDescriptor(handle), name);
      let next: FileHandle;
      try {
        next = await enter(here, options.create);
      } catch (error) {
        const target = await readlink(here).catch(() => undefined);
        if (target === undefined) throw error;
        // No links so far in these names.
        const [place, parent] = [names.slice(0, index + 1), names.slice(0, index)];
        if (links >= MOST_LINKS || !(await mayFollow(handle))) isLink(join(options.root, ...place));
        const rest = names.slice(index + 1);
        next = await descend(join(resolve("/", ...parent, target), ...rest), options, links + 1);
        await handle.close();
        return next;
      }
      await handle.close();
      handle = next;
    }
    return handle;
  } catch (error) {
    await handle.close().catch(() => {});
    throw error;
  }
}

async function enter(path: string, create: boolean): Promise<FileHandle> {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  try {
    return await open(path, flags);
  } catch (error) {
    if (!create || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(path).catch((late: NodeJS.ErrnoException) => {
      // Another process has created it meanwhile.
      if (late.code !== "EEXIST") throw late;
    });
    return open(path, flags);
  }
}

/** Whether no other account could have put a link into this directory. */
async function mayFollow(folder: FileHandle): Promise<boolean> {
  const { uid, mode } = await folder.stat();
  return (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0;
}

function isLink(path: string): never {
  return fail({
    code: "path-is-link",
    what: "A folder in a place that others may write to is a link, which is not followed.",
    found: path,
    hint: "Look where it leads (ls -ld), take it away, and try again.",
  });
}
