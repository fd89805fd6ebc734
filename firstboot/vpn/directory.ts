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
  if (!(await exchange(box, next, directory))) await replaceEach(box, directory, files);
  await must(box, "sync", ["--file-system", directory]);
  await box.remove(next);
}

/** False where `mv` cannot do it: before version 9.5 of coreutils, which Debian 12 has. */
async function exchange(box: Box, one: string, other: string): Promise<boolean> {
  const args = ["--exchange", "--no-target-directory", one, other];
  const { code, stderr } = await box.run("mv", args);
  if (code === 0) return true;
  if (/unrecognized option/.test(stderr)) return false;
  await must(box, "mv", args);
  return true;
}

/** File by file, each whole: first the hosts, then what names them, then away with what nothing names any more. */
async function replaceEach(box: Box, directory: string, files: ReadonlyMap<string, TincFile>): Promise<void> {
  const isHost = (path: string) => path.startsWith("hosts/");
  const ordered = [...files].sort(([one], [other]) => Number(isHost(other)) - Number(isHost(one)));
  for (const [path, { content, mode }] of ordered)
    await box.writeFile(`${directory}/${path}`, content, { mode });
  const present = await box.list(directory, { recursive: true });
  for (const path of present.filter((each) => !files.has(each))) await box.remove(`${directory}/${path}`);
}

async function isSame(box: Box, directory: string, files: ReadonlyMap<string, TincFile>): Promise<boolean> {
  const present = await box.list(directory, { recursive: true });
  if (present.length !== files.size || !present.every((path) => files.has(path))) return false;
  for (const [path, { content }] of files) {
    if ((await box.readFile(`${directory}/${path}`)) !== content) return false;
  }
  return true;
}
