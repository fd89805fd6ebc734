// SPDX-License-Identifier: GPL-3.0-or-later
// The partition CBOX-BOOT of a disk that no box is running on: a person copies answers.yaml and ca.pem to it. It is
// read and written with mtools, without a mount.
import { type FileHandle, open } from "node:fs/promises";
import { $ } from "zx";
import { findBootPartition, type ReadAt } from "./partition-table.ts";

export interface BootPartition {
  put(name: string, content: string): Promise<void>;
  /** Undefined when there is no such file. */
  get(name: string): Promise<string | undefined>;
  /** Copies a file out of it byte by byte, also one that is not text. */
  take(name: string, target: string): Promise<void>;
  /** Every byte of it, also those of deleted files. */
  bytes(): Promise<Buffer>;
}

/** @param disk raw disk file, or block device, that no guest is running on. */
export async function bootPartition(disk: string): Promise<BootPartition> {
  const found = await onDisk(disk, (read) => findBootPartition(read));
  if (!found) throw new Error(`The disk ${disk} has no partition CBOX-BOOT.`);
  const { start, size } = found;
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
    bytes: () => onDisk(disk, (read) => read(start, size)),
  };
}

async function onDisk<T>(disk: string, work: (read: ReadAt) => Promise<T>): Promise<T> {
  const file = await open(disk);
  try {
    return await work(readerOf(file));
  } finally {
    await file.close();
  }
}

/** Reads at offsets of an open disk. */
export function readerOf(file: FileHandle): ReadAt {
  return async (offset, length) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
}
