// SPDX-License-Identifier: GPL-3.0-or-later
// One build at a time per cache: a lock file names the process that holds it; the lock of an ended process does not
// count.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../../common/fail.ts";
import { type HostProcess, hostProcess, isAlive } from "../host/process.ts";

/** Takes the lock; the returned function releases it. Throws Failure `build-running` when another build has it. */
export function takeBuildLock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  const holder = readHolder(path);
  if (holder && isAlive(holder)) {
    fail({
      code: "build-running",
      what: "Another build is using the same cache.",
      found: `process ${holder.pid}`,
      hint: "wait until it is done, or give this one a cache of its own with XDG_CACHE_HOME",
    });
  }
  rmSync(path, { force: true });
  try {
    writeFileSync(path, JSON.stringify(hostProcess()), { flag: "wx" });
  } catch (error) {
    fail(
      {
        code: "build-running",
        what: "Another build took the cache at the same moment.",
        hint: "run the same command again",
      },
      { cause: error },
    );
  }
  return () => rmSync(path, { force: true });
}

function readHolder(path: string): HostProcess | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as HostProcess;
  } catch {
    // No file, or an incomplete one whose writer was interrupted.
    return undefined;
  }
}
