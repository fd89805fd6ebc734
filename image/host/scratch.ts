// SPDX-License-Identifier: GPL-3.0-or-later
// Directories that last as long as the process that made them: a guest's temporary disk, its sockets, its NVRAM.
// What a killed process left behind is removed by the next one that makes a directory here.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hostProcess, isAlive } from "./process.ts";

// Not /tmp or /run: they may be memory, and an overlay disk can grow to gigabytes.
const PARENT = "/var/tmp/community-box";

export interface Scratch {
  readonly path: string;
  remove(): void;
}

/** Makes an empty directory that is removed when this process exits, except when it is killed. */
export function makeScratch(parent: string = PARENT): Scratch {
  mkdirSync(parent, { recursive: true });
  sweep(parent);
  const self = hostProcess();
  const path = mkdtempSync(join(parent, `${self?.pid}.${self?.started}.`));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    path,
    remove() {
      process.off("exit", remove);
      remove();
    },
  };
}

function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [pid, started] = name.split(".");
    if (pid && started && !isAlive({ pid: Number(pid), started })) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}
