// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces a network's directory as a whole: the new one is complete on the disk before one atomic exchange with the
// old one. tincd never sees an incomplete one, even after a power cut.

import { type Box, runOrFail } from "../host/box.ts";
import { vpnPaths } from "./paths.ts";
import type { TincFile } from "./tinc-files.ts";

interface Difference {
  /** New files and files with changed content. */
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

/**
 * Returns the paths in the directory that changed or were removed. The directory must exist: the key was stored there
 * first.
 */
export async function putInPlace(
  box: Box,
  network: string,
  files: ReadonlyMap<string, TincFile>,
): Promise<readonly string[]> {
  const { directory, next } = vpnPaths(network);
  // Also a directory that a power cut left behind, new or old.
  await box.remove(next);
  const difference = await differenceOf(box, directory, files);
  const paths = [...difference.changed, ...difference.gone];
  if (paths.length === 0) return paths;
  // Unchanged files keep their time stamps: on SIGHUP tincd closes the connection to every host whose file is newer.
  await runOrFail(box, "cp", ["--archive", "--link", "--no-target-directory", directory, next]);
  await change(box, next, files, difference);
  if (!(await exchange(box, next, directory))) await change(box, directory, files, difference);
  await runOrFail(box, "sync", ["--file-system", directory]);
  await box.remove(next);
  return paths;
}

/** False if `mv` cannot do it: before coreutils 9.5, e.g. in Debian 12. */
async function exchange(box: Box, one: string, other: string): Promise<boolean> {
  const args = ["--exchange", "--no-target-directory", one, other];
  const { code, stderr } = await box.run("mv", args);
  if (code === 0) return true;
  if (/unrecognized option/.test(stderr)) return false;
  await runOrFail(box, "mv", args);
  return true;
}

/** File by file, each atomically: first the hosts, then what names them; last, unused files are removed. */
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
