// SPDX-License-Identifier: GPL-3.0-or-later
// One set-up at a time. The lock is a file in /run with the process that holds it; one whose process is gone counts for
// nothing, so that no crash locks a box for ever.

import { mkdir, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { fail } from "../common/fail.ts";
import { paths } from "./paths.ts";

/** Returns the function that lets go. Fails with `setup-busy`. */
export async function lockSetup(path: string = paths.setupLock): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${process.pid} ${await startTime(process.pid)}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    const isMade = await make(path, own);
    if (isMade) return () => unlink(path).catch(() => {});
    const [pid = "", start] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
    const isAlive = start !== undefined && /^\d+$/.test(pid) && (await startTime(Number(pid))) === start;
    if (isAlive) return busy(pid);
    await unlink(path).catch(() => {});
  }
  return busy("unknown");
}

function busy(pid: string): never {
  return fail({
    code: "setup-busy",
    what: "Another set-up of this box is going on.",
    found: `process ${pid}`,
    hint: "Finish it first, or leave it with Ctrl-C.",
  });
}

async function make(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx", 0o644);
    await file.writeFile(`${content}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Field 22 of /proc/<pid>/stat: process numbers come round again, this pair does not. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
