// SPDX-License-Identifier: GPL-3.0-or-later
// The search for secrets on a disk finds what is there, wherever it lies.
import { mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diskHolds } from "../boot/disk-search.ts";

const MIB = 1024 * 1024;

test("searching a disk finds a text in the middle of data, across two reads, and behind holes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cbox-search-"));
  const disk = join(folder, "disk.img");
  try {
    const file = openSync(disk, "w");
    truncateSync(disk, 1024 * MIB);
    writeSync(file, Buffer.alloc(9 * MIB, "."), 0, 9 * MIB, 0);
    writeSync(file, "first secret", 4096);
    writeSync(file, "second secret", 8 * MIB - 5);
    writeSync(file, "third secret", 700 * MIB);
    for (const text of ["first secret", "second secret", "third secret"]) {
      expect(await diskHolds(disk, text), text).toBe(true);
    }
    expect(await diskHolds(disk, "fourth secret")).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
