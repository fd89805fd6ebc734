// SPDX-License-Identifier: GPL-3.0-or-later
// Current use of a context's own container, from the kernel: readable by every user, without starting Incus.

import type { Box } from "../host/box.ts";
import type { ContextId } from "./names.ts";

export interface Use {
  readonly memoryMib: number;
  readonly processes: number;
}

/** Undefined if it does not run. */
export async function readUse(box: Pick<Box, "readFile">, id: ContextId): Promise<Use | undefined> {
  const group = `/sys/fs/cgroup/lxc.payload.${id}_${id}`;
  const number = async (file: string) => {
    const text = await box.readFile(`${group}/${file}`);
    return text === undefined ? undefined : Number(text);
  };
  const [memory, processes] = [await number("memory.current"), await number("pids.current")];
  if (memory === undefined || !processes) return undefined;
  return { memoryMib: Math.round(memory / 1024 / 1024), processes };
}
