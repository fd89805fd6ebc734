// SPDX-License-Identifier: GPL-3.0-or-later
// The program that marks a GPT disk's protective entry active: where it does, and all the disks it leaves alone.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { paths } from "../../../../firstboot/host/paths.ts";
import { hybridMbr } from "../../../../image/boot/raspberry-pi.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { temporaryDirectory } from "../../../temporary.ts";
import { gpt, mbr } from "../../helpers/disk-bytes.ts";

const PROGRAM = join(PROJECT, "overlays/base/files", paths.markActive);
const MARK = 446;

/** Offsets of the bytes that it changed on a disk, and what they are now. */
function changesOf(disk: Buffer): [number, number][] {
  const path = join(temporaryDirectory(), "disk");
  writeFileSync(path, disk);
  const { status, stderr } = spawnSync(PROGRAM, [path]);
  expect([status, String(stderr)]).toEqual([0, ""]);
  const after = readFileSync(path);
  expect(after.length).toBe(disk.length);
  return [...after.entries()].filter(([at, byte]) => byte !== disk[at]);
}

/** As GRUB's begins: a jump over what follows. */
function withBootCode(disk: Buffer): Buffer {
  disk.writeUInt16LE(0x63eb, 0);
  return disk;
}

const TABLE = [{ name: "cbox-boot", start: 2, size: 64 }];

test("a disk with boot code gets the active mark, and no other change", () => {
  expect(changesOf(withBootCode(gpt(TABLE)))).toEqual([[MARK, 0x80]]);
});

test("a disk that is marked stays unchanged", () => {
  const disk = withBootCode(gpt(TABLE));
  disk[MARK] = 0x80;
  expect(changesOf(disk)).toEqual([]);
});

test("a disk that starts by UEFI only stays unchanged", () => {
  expect(changesOf(gpt(TABLE))).toEqual([]);
});

test("a traditional MBR stays unchanged, since its mark belongs to one of several partitions", () => {
  expect(changesOf(withBootCode(mbr([{ type: 0x83, start: 1, size: 64 }])))).toEqual([]);
});

test("a Raspberry Pi's hybrid MBR stays unchanged", () => {
  const disk = gpt(TABLE);
  const boot = { number: 1, start: 4096, size: 131072, name: "cbox-boot", type: "", uuid: "" };
  for (const [at, bytes] of hybridMbr({ partitions: { boot, root: boot } })) disk.set(bytes, at);
  expect(changesOf(disk)).toEqual([]);
  expect(changesOf(withBootCode(disk))).toEqual([]);
});

test.each(["/nowhere/disk", "/dev"])("a file that is not a disk (%s) causes no failure", (path) => {
  const { status, stderr } = spawnSync(PROGRAM, [path]);
  expect([status, String(stderr)]).toEqual([0, ""]);
});
