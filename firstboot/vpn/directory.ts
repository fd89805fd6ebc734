// SPDX-License-Identifier: GPL-3.0-or-later
// Puts a network's directory in place as a whole: the new one is complete on the disk before it changes places with
// the old one, by one atomic exchange. tincd never sees half of it, whenever the power goes.

import { type Box, runOrFail } from "../host/box.ts";
import { vpnPaths } from "./paths.ts";
import type { TincFile } from "./tinc-files.ts";

interface Difference {
  /** New, or with another content. */
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

/**
 * Returns the paths below the directory that changed or went; none when all was as it should be. The directory exists:
 * the key was put there first.
 */
export async function putInPlace(
  box: Box,
  network: string,
  files: ReadonlyMap<string, TincFile>,
): Promise<readonly string[]> {
  const { directory, next } = vpnPaths(network);
  // Also what a power cut left behind, new or old.
  await box.remove(next);
  const difference = await differenceOf(box, directory, files);
  const paths = [...difference.changed, ...difference.gone];
  if (paths.length === 0) return paths;
  // What stays as it is keeps its time as well: on SIGHUP tincd ends the connection to each host whose file is newer.
  await runOrFail(box, "cp", ["--archive", "--link", "--no-target-directory", directory, next]);
  await change(box, next, files, difference);
  if (!(await exchange(box, next, directory))) await change(box, directory, files, difference);
  await runOrFail(box, "sync", ["--file-system", directory]);
  await box.remove(next);
  return paths;
}

/** False where `mv` cannot do it: before version 9.5 of coreutils, which Debian 12 has. */
async function exchange(box: Box, one: string, other: string): Promise<boolean> {
  const args = ["--exchange", "--no-target-directory", one, other];
  const { code, stderr } = await box.run("mv", args);
  if (code === 0) return true;
  if (/unrecognized option/.test(stderr)) return false;
  await runOrFail(box, "mv", args);
  return true;
}

/** File by file, each whole: first the hosts, then what names them, then away with what nothing names any more. */
async function change(
  box: Box,
  directory: string,
  files: ReadonlyMap<string, TincFile>,
  { changed, gone }: Difference,
): Promise<void> {
  const isHost = (path: string) => path.startsWith("hosts/");
  for (const path of [...changed].sort((one, other) => Number(isHost(other)) - Number(isHost(one)))) {
    const { content = "", mode } = files.get(path) ?? {};
    await box.writeFile(`${directory}/${path}`, content, mode === undefined ? {} : { mode });
  }
  for (const path of gone) await box.remove(`${directory}/${path}`);
}

async function differenceOf(
  box: Box,
  directory: string,
  files: ReadonlyMap<string, TincFile>,
): Promise<Difference> {
  const changed: string[] = [];
  for (const [path, { content }] of files) {
    if ((await box.readFile(`${directory}/${path}`)) !== content) changed.push(path);
  }
  const present = await box.list(directory, { recursive: true });
  return { changed, gone: present.filter((path) => !files.has(path)) };
}
