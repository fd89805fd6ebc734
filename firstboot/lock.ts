// SPDX-License-Identifier: GPL-3.0-or-later
// One set-up at a time. A lock is a file in /run with the process that holds it; one whose process is gone counts for
// nothing, so that no crash locks a box for ever.

import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fail } from "../common/fail.ts";
import { paths } from "./paths.ts";

/** Returns the function that lets go. Fails with `setup-busy`. */
export async function lockSetup(path: string = paths.setupLock): Promise<() => Promise<void>> {
  const lock = await take(path);
  return "release" in lock ? lock.release : busy(lock.holder);
}

/** For whatever changes what the box is set up to do. Fails with `setup-busy`. */
export async function alone<T>(work: () => Promise<T>, path: string = paths.setupLock): Promise<T> {
  const release = await lockSetup(path);
  try {
    return await work();
  } finally {
    await release();
  }
}

const LOOK_AGAIN_MS = 200;

/** For what several may want at the same time, and each comes to an end by itself: waits until it is its turn. */
export async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const lock = await take(path);
    if (!("release" in lock)) {
      await delay(LOOK_AGAIN_MS);
      continue;
    }
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }
}

async function take(
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

function busy(pid: string): never {
  return fail({
    code: "setup-busy",
    what: "Another set-up of this box is going on.",
    found: `process ${pid}`,
    hint: "Finish it first, or leave it with Ctrl-C.",
  });
}

let drafts = 0;

/** With its content from the first moment on: an empty one would count for nothing. */
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

/** Field 22 of /proc/<pid>/stat: process numbers come round again, this pair does not. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
