// SPDX-License-Identifier: GPL-3.0-or-later
// A process of this machine, distinguished by its start time from a later one with the same number.
// Whatever is recorded for a later clean-up is recorded this way, so that only our own processes are ever ended.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface HostProcess {
  readonly pid: number;
  /** Boot id and start time in clock ticks since boot, from /proc. */
  readonly started: string;
}

/** The process with this number as it runs now, or undefined when there is none (a zombie counts as none). */
export function hostProcess(pid: number = process.pid): HostProcess | undefined {
  try {
    // "pid (name) state ppid …": the name may hold spaces and brackets, so count from its last bracket.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    const [state, ticks] = [fields[0], fields[19]];
    return state === "Z" || state === "X" ? undefined : { pid, started: `${bootId()}-${ticks}` };
  } catch {
    return undefined;
  }
}

export function isAlive(recorded: HostProcess): boolean {
  return hostProcess(recorded.pid)?.started === recorded.started;
}

/** Ends a recorded process at once and waits until it is gone. Does nothing when it already is. */
export async function end(recorded: HostProcess): Promise<void> {
  if (!isAlive(recorded)) return;
  process.kill(recorded.pid, "SIGKILL");
  // Node.js cannot wait for a process that is not its child, so this polls until it is gone.
  while (isAlive(recorded)) await delay(10);
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim().slice(0, 8);
}
