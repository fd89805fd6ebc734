// SPDX-License-Identifier: GPL-3.0-or-later
// Locks between processes. A lock is a file with the process that holds it; it is ignored if that process has ended,
// so that no crash leaves a permanent lock.

import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const LOOK_AGAIN_MS = 200;

export interface TurnOptions {
  /** Aborting it ends the wait with its reason. */
  readonly signal?: AbortSignal;
  /** Called once if it has to wait, with the id of the process that holds the lock. */
  readonly waits?: (holder: string) => void;
}

/** For short work that several processes may want to do: waits for the lock. */
export async function inTurn<T>(
  path: string,
  work: () => Promise<T>,
  { signal, waits }: TurnOptions = {},
): Promise<T> {
  let isTold = false;
  for (;;) {
    const lock = await takeLock(path);
    if (!("release" in lock)) {
      if (!isTold) waits?.(lock.holder);
      isTold = true;
      await delay(LOOK_AGAIN_MS, undefined, signal ? { signal } : {});
      continue;
    }
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }
}

/** The function that releases the lock, or the id of the process that holds it. */
export async function takeLock(
  path: string,
): Promise<{ readonly release: () => Promise<void> } | { readonly holder: string }> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${process.pid} ${await startTime(process.pid)}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    const isMade = await make(path, own);
    if (isMade) return { release: () => unlink(path).catch(() => {}) };
    const [pid = "", start] = (await readFile(path, "utf8").catch(() => "")).trim().split(" ");
    const isAlive = start !== undefined && /^\d+$/.test(pid) && (await startTime(Number(pid))) === start;
    if (isAlive) return { holder: pid };
    await unlink(path).catch(() => {});
  }
  return { holder: "unknown" };
}

let drafts = 0;

/** Created with its content at once: an empty lock file would be ignored. */
async function make(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${++drafts}`;
  await writeFile(draft, `${content}\n`, { mode: 0o644 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/** Field 22 of /proc/<pid>/stat: process ids are reused, but not with the same start time. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
