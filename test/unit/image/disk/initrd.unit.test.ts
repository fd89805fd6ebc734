// SPDX-License-Identifier: GPL-3.0-or-later
// Reading an initrd: a plain archive with microcode, then a packed one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { initrdNames } from "../../../../image/disk/initrd.ts";
import type { DiskTools } from "../../../../image/disk/tools.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const unneeded: DiskTools = {
  tool: async () => expect.fail("no tool is needed for gzip"),
  path: (name) => name,
};

/** One archive in the format newc, names with their sizes. */
function cpio(files: Readonly<Record<string, number>>): Buffer {
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  const pad = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  const entries = [...Object.entries(files), ["TRAILER!!!", 0] as const].map(([name, size]) => {
    const fields = [1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length + 1, 0];
    const head = pad(Buffer.from(`070701${fields.map(hex).join("")}${name}\0`, "latin1"));
    return Buffer.concat([head, pad(Buffer.alloc(size, "x"))]);
  });
  return Buffer.concat(entries);
}

it("initrdNames lists the files of both archives, whatever their sizes", async () => {
  const path = join(temporaryDirectory(), "initrd");
  const early = cpio({ "kernel/x86/microcode/GenuineIntel.bin": 5 });
  const main = gzipSync(cpio({ init: 3, "lib/modules/6.12/ahci.ko.xz": 1, scripts: 0 }));
  writeFileSync(path, Buffer.concat([early, Buffer.alloc(512 - (early.length % 512)), main]));
  expect(await initrdNames(unneeded, path)).toEqual([
    "kernel/x86/microcode/GenuineIntel.bin",
    "init",
    "lib/modules/6.12/ahci.ko.xz",
    "scripts",
  ]);
});

it("initrdNames reports an unknown compression", async () => {
  const path = join(temporaryDirectory(), "initrd");
  writeFileSync(path, Buffer.alloc(200, "?"));
  await expect(initrdNames(unneeded, path)).rejects.toThrow("is packed in a way that is not known here");
});
