// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the target release's own disk programs out of the tools tree by its dynamic loader: no chroot, no mount, and
// the same bytes whatever Debian the building machine runs.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Run, RunOptions } from "../host/session.ts";

export interface DiskTools {
  /** `tool("mke2fs", ["-t", "ext4", …])`; resolves to its standard output. */
  tool(name: string, args: readonly string[], options?: Omit<RunOptions, "env" | "cwd">): Promise<string>;
  /** Path of a data file of the tools tree, such as `usr/lib/grub/i386-pc`. */
  path(name: string): string;
}

const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const LOADER = `${LIBRARIES}/ld-linux-x86-64.so.2`;

export function openDiskTools(run: Run, root: string, epoch: number): DiskTools {
  const path = (name: string) => join(root, name);
  const env = {
    SOURCE_DATE_EPOCH: String(epoch),
    TZ: "UTC",
    MTOOLS_SKIP_CHECK: "1",
    // Makes e2fsprogs write its zeros. It would ask the kernel for them instead: that leaves allocated blocks on ext4
    // but holes on tmpfs, and the block map leaves holes out.
    UNIX_IO_NOZEROOUT: "1",
    MKE2FS_CONFIG: path("etc/mke2fs.conf"),
    // mtools converts file names with iconv, whose tables are in the tree.
    GCONV_PATH: path(`${LIBRARIES}/gconv`),
  };
  return {
    path,
    tool(name, args, options = {}) {
      const program =
        ["usr/sbin", "usr/bin", "sbin", "bin"].map((dir) => path(join(dir, name))).find(existsSync) ?? name;
      return run([path(LOADER), "--library-path", path(LIBRARIES), program, ...args], { env, ...options });
    },
  };
}
