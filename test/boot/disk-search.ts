// SPDX-License-Identifier: GPL-3.0-or-later
// Searches every byte of a disk file for a text, also the bytes of deleted files. Holes are skipped: reading
// gigabytes of zeros takes a minute.
import { open } from "node:fs/promises";
import { $ } from "zx";

const CHUNK = 8 * 1024 * 1024;

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly data: boolean;
}

export async function diskHolds(path: string, text: string): Promise<boolean> {
  const { stdout } = await $({ quiet: true })`qemu-img map -f raw --output=json ${path}`;
  const extents = (JSON.parse(stdout) as Extent[]).filter(({ data }) => data);
  const wanted = Buffer.from(text);
  // Chunks overlap, so that a text across two of them is found.
  const buffer = Buffer.alloc(CHUNK + wanted.length);
  const file = await open(path);
  try {
    for (const { start, length } of extents) {
      for (let done = 0; done < length; done += CHUNK) {
        const size = Math.min(buffer.length, length - done);
        const { bytesRead } = await file.read(buffer, 0, size, start + done);
        if (buffer.subarray(0, bytesRead).includes(wanted)) return true;
      }
    }
    return false;
  } finally {
    await file.close();
  }
}
