// SPDX-License-Identifier: GPL-3.0-or-later
// Puts a network's directory in place as a whole: the new one is complete on the disk before it changes places with
// the old one, by one atomic exchange. tincd never sees half of it, whenever the power goes.

import { type Box, must } from "../box.ts";
import { vpnPaths } from "./paths.ts";
import type { TincFile } from "./tinc-files.ts";

/** Does nothing when all is as it should be. The directory exists: the key was put there first. */
export async function putInPlace(
  box: Box,
  network: string,
  files: ReadonlyMap<string, TincFile>,
): Promise<void> {
  const { directory, next } = vpnPaths(network);
  // Also what a power cut left behind, new or old.
  await box.remove(next);
  if (await isSame(box, directory, files)) return;
  await box.makeDirectory(next, { mode: 0o755 });
  for (const [path, { content, mode }] of files) await box.writeFile(`${next}/${path}`, content, { mode });
  await must(box, "mv", ["--exchange", "--no-target-directory", next, directory]);
  await must(box, "sync", ["--file-system", directory]);
  await box.remove(next);
}

async function isSame(box: Box, directory: string, files: ReadonlyMap<string, TincFile>): Promise<boolean> {
  const present = await box.list(directory, { recursive: true });
  if (present.length !== files.size || !present.every((path) => files.has(path))) return false;
  for (const [path, { content }] of files) {
    if ((await box.readFile(`${directory}/${path}`)) !== content) return false;
  }
  return true;
}
