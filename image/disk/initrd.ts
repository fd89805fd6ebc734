// SPDX-License-Identifier: GPL-3.0-or-later
// The names of the files in an initrd: cpio archives (newc) one after the other, the first ones plain (microcode),
// the last one packed as a rule.
import { readFile, rm, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { DiskTools } from "./tools.ts";

const NEWC = "070701";
const HEADER = 110;
const FILE_SIZE = 54;
const NAME_SIZE = 94;
const ZSTD = 0xfd2fb528;
const GZIP = 0x8b1f;

/**
 * @param path of the initrd.
 * @throws Error for a compression other than zstd and gzip, which are what Debian uses.
 */
export async function initrdNames(tools: DiskTools, path: string): Promise<readonly string[]> {
  let rest: Buffer = await readFile(path);
  const found: string[] = [];
  while (rest.length > HEADER) {
    if (rest.toString("latin1", 0, 6) === NEWC) {
      const { names, end } = cpioNames(rest);
      found.push(...names);
      rest = rest.subarray(end);
    } else if (rest[0] === 0) rest = rest.subarray(1);
    else rest = await unpack(tools, rest, path);
  }
  return found;
}

/** The names of one archive, and where it ends. */
function cpioNames(bytes: Buffer): { names: string[]; end: number } {
  const names: string[] = [];
  const align = (offset: number) => (offset + 3) & ~3;
  let at = 0;
  for (;;) {
    const number = (offset: number) =>
      Number.parseInt(bytes.toString("latin1", at + offset, at + offset + 8), 16);
    const [size, length] = [number(FILE_SIZE), number(NAME_SIZE)];
    const name = bytes.toString("utf8", at + HEADER, at + HEADER + length - 1);
    at = align(align(at + HEADER + length) + size);
    if (name === "TRAILER!!!" || !(size >= 0) || at >= bytes.length) return { names, end: at };
    names.push(name);
  }
}

async function unpack(tools: DiskTools, bytes: Buffer, path: string): Promise<Buffer> {
  if (bytes.readUInt16LE(0) === GZIP) return gunzipSync(bytes);
  if (bytes.readUInt32LE(0) !== ZSTD) throw new Error(`${path} is packed in a way that is not known here`);
  const [packed, plain] = [`${path}.zst`, `${path}.cpio`];
  await writeFile(packed, bytes);
  await tools.tool("zstd", ["-q", "-d", "-f", packed, "-o", plain]);
  const result = await readFile(plain);
  for (const file of [packed, plain]) await rm(file);
  return result;
}
