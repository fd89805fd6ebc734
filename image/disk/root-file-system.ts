// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the root file system of a finished image with debugfs, without a mount.
import { dirname, join } from "node:path";
import type { DiskTools } from "./tools.ts";

export interface RootView {
  /** The path a (possibly symbolic) path ends at, undefined when there is no file. */
  resolve(path: string): Promise<string | undefined>;
  exists(path: string): Promise<boolean>;
  /** Names in a directory; none when it is not there. */
  list(directory: string): Promise<readonly string[]>;
  /** Writes a file of the image to `target`. */
  copy(path: string, target: string): Promise<void>;
}

/** @param root the image, with `?offset=BYTES` of the file system. */
export function rootView(tools: DiskTools, root: string): RootView {
  const ask = (command: string) => tools.tool("debugfs", ["-R", command, root]);
  const stat = (path: string) => ask(`stat "${path}"`);

  const resolve = async (path: string): Promise<string | undefined> => {
    const text = await stat(path);
    if (/Type: regular/.test(text)) return path;
    if (!/Type: symlink/.test(text)) return undefined;
    // The inode holds a short target; a long one is in a data block.
    const target = /Fast link dest: "(.*)"/.exec(text)?.[1] ?? (await ask(`cat "${path}"`));
    return resolve(target.startsWith("/") ? target : join(dirname(path), target));
  };

  return {
    resolve,
    exists: async (path) => /Inode: \d+/.test(await stat(path)),
    async list(directory) {
      const lines = (await ask(`ls -p "${directory}"`)).split("\n");
      const names = lines.flatMap((line) => /^\/\d+\/\d+\/\d+\/\d+\/([^/]+)\//.exec(line)?.[1] ?? []);
      return names.filter((name) => name !== "." && name !== "..");
    },
    async copy(path, target) {
      await ask(`dump "${path}" "${target}"`);
    },
  };
}
