// SPDX-License-Identifier: GPL-3.0-or-later
// The partition CBOX-BOOT of a guest that is switched off: where a person drops answers.yaml and ca.pem, read and
// written with mtools on the disk file, without a mount.
import { open } from "node:fs/promises";
import { $ } from "zx";
import { SECTOR } from "./disk-layout.ts";

const NAME = "cbox-boot";

export interface BootPartition {
  put(name: string, content: string): Promise<void>;
  /** Undefined when there is no such file. */
  get(name: string): Promise<string | undefined>;
  /** Copies a file out of it, whatever is in it. */
  take(name: string, target: string): Promise<void>;
  /** Every byte of it, also those of files that are gone. */
  bytes(): Promise<Buffer>;
}

/** @param disk raw disk file that no guest is running on. */
export async function bootPartition(disk: string): Promise<BootPartition> {
  const { start, size } = await findPartition(disk);
  const volume = `${disk}@@${start}`;
  return {
    async put(name, content) {
      await $({ quiet: true, input: content })`mcopy -o -i ${volume} - ${`::${name}`}`;
    },
    async get(name) {
      const { exitCode, stdout } = await $({ quiet: true, nothrow: true })`mtype -i ${volume} ${`::${name}`}`;
      return exitCode === 0 ? stdout : undefined;
    },
    async take(name, target) {
      await $({ quiet: true })`mcopy -n -i ${volume} ${`::${name}`} ${target}`;
    },
    async bytes() {
      const file = await open(disk);
      try {
        return (await file.read(Buffer.alloc(size), 0, size, start)).buffer;
      } finally {
        await file.close();
      }
    },
  };
}

interface SfdiskPartition {
  readonly name?: string;
  readonly start: number;
  readonly size: number;
}

async function findPartition(disk: string): Promise<{ start: number; size: number }> {
  const { stdout } = await $({ quiet: true })`sfdisk --json ${disk}`;
  const { partitions } = (JSON.parse(stdout) as { partitiontable: { partitions: SfdiskPartition[] } })
    .partitiontable;
  const found = partitions.find(({ name }) => name === NAME);
  if (!found) throw new Error(`The disk ${disk} has no partition ${NAME}.`);
  return { start: found.start * SECTOR, size: found.size * SECTOR };
}
