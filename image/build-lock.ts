// SPDX-License-Identifier: GPL-3.0-or-later
// One build at a time per cache: a lock file names the process that holds it, and a holder that no longer runs
// holds nothing.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../common/fail.ts";

/** Takes the lock; the returned function gives it back. Throws Failure `build-running` when another build has it. */
export function takeBuildLock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${startTime(process.pid)}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, mine, { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = existsSync(path) ? readFileSync(path, "utf8") : "";
      const pid = Number(holder.split(" ")[0]);
      if (holder !== "" && holder === `${pid} ${startTime(pid)}`) {
        fail({
          code: "build-running",
          what: "Another build is using the same cache.",
          found: `process ${pid}`,
          hint: "wait until it is done, or give this one a cache of its own with XDG_CACHE_HOME",
        });
      }
      rmSync(path, { force: true });
    }
  }
  return fail({
    code: "build-running",
    what: "Another build took the cache at the same moment.",
    hint: "run the same command again",
  });
}

/** When a process started, in clock ticks since boot; distinguishes it from a later one with the same number. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "gone";
  }
}
