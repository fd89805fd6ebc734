// SPDX-License-Identifier: GPL-3.0-or-later
// Reads files out of a finished image, from its FAT partition and from its root file system, without a mount.
import { randomUUID } from "node:crypto";
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type DiskLayout, SECTOR } from "./layout.ts";
import { rootView } from "./root-file-system.ts";
import type { DiskTools } from "./tools.ts";

export interface ImageFiles {
  /** Reads bytes of the disk itself. */
  disk(offset: number, length: number): Promise<Buffer>;
  /** A file of CBOX-BOOT; undefined when it is not there. */
  boot(path: string): Promise<Buffer | undefined>;
  /** A file of the root file system; undefined when it is not there. */
  root(path: string): Promise<Buffer | undefined>;
  /** The regular file that a path of the root file system, which may be a link, ends at. */
  realPath(path: string): Promise<string | undefined>;
  /** Label of the root file system. */
  rootLabel(): Promise<string>;
}

export function openImageFiles(
  tools: DiskTools,
  raw: string,
  { partitions }: Pick<DiskLayout, "partitions">,
  scratch: string,
): ImageFiles {
  const fat = `${raw}@@${partitions.boot.start * SECTOR}`;
  const ext4 = `${raw}?offset=${partitions.root.start * SECTOR}`;
  const view = rootView(tools, ext4);
  const taken = async (take: (target: string) => Promise<unknown>) => {
    const target = join(scratch, randomUUID());
    try {
      await take(target);
      return await readFile(target);
    } catch {
      return undefined;
    } finally {
      await rm(target, { force: true });
    }
  };
  return {
    async disk(offset, length) {
      const file = await open(raw, "r");
      try {
        return (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
      } finally {
        await file.close();
      }
    },
    boot: (path) => taken((target) => tools.tool("mcopy", ["-n", "-i", fat, `::${path}`, target])),
    root: (path) => taken((target) => view.copy(path, target)),
    realPath: view.resolve,
    async rootLabel() {
      const superblock = await tools.tool("debugfs", ["-R", "show_super_stats -h", ext4]);
      return /volume name: +(\S+)$/m.exec(superblock)?.[1] ?? "";
    },
  };
}
