// SPDX-License-Identifier: GPL-3.0-or-later
// The disk image is made from a small tree on tmpfs and on the disk, by the release's own tools: same bytes, same block
// map. Needs the tools layer, and root to mount a tmpfs.
import { mkdir, readFile, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type DiskLayout, SECTOR } from "../../image/disk/layout.ts";
import { type DiskTools, openDiskTools } from "../../image/disk/tools.ts";
import { mappedBytes, parseBlockMap } from "../../image/flash/block-map.ts";
import { PROFILES } from "../../image/host/paths.ts";
import { createSession, type Session } from "../../image/host/session.ts";
import { sha256 } from "../../image/host/sha256.ts";
import { disk } from "../../image/stages/disk.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { scratch } from "./project.ts";

const TMPFS = 0x01021994;

interface Made {
  readonly image: string;
  readonly layout: DiskLayout;
}

async function tmpfs(session: Session): Promise<string> {
  const directory = join(await scratch(), "tmpfs");
  await mkdir(directory);
  await session.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", directory]);
  onTestFinished(async () => void (await session.run(["umount", directory])));
  expect((await statfs(directory)).type).toBe(TMPFS);
  return directory;
}

/** Byte ranges of the root file system's journal and inode tables in the image. */
async function metadata(
  tools: DiskTools,
  { image, layout }: Made,
): Promise<{ start: number; end: number }[]> {
  const offset = layout.partitions.root.start * SECTOR;
  const place = `${image}?offset=${offset}`;
  const superblock = await tools.tool("debugfs", ["-R", "stats", place]);
  const size = Number(/Block size: +(\d+)/.exec(superblock)?.[1]);
  const tableBlocks = Number(/Inode blocks per group: +(\d+)/.exec(superblock)?.[1]);
  const journal = await tools.tool("debugfs", ["-R", "stat <8>", place]);
  const blocks = [
    ...[...superblock.matchAll(/inode table at (\d+)/g)].map(([, first]) => [Number(first), tableBlocks]),
    ...[...journal.matchAll(/\(\d+-\d+\):(\d+)-(\d+)/g)].map(([, first, last]) => [
      Number(first),
      Number(last) - Number(first) + 1,
    ]),
  ];
  const ranges = blocks.map(([first = Number.NaN, count = Number.NaN]) => ({
    start: offset + first * size,
    end: offset + (first + count) * size,
  }));
  expect(ranges.length).toBeGreaterThan(1);
  return ranges;
}

it("an image has the same bytes and the same block map in whatever directory it is made", async () => {
  const session = createSession({ logDirectory: "/tmp/cbox-disk-test" });
  const tools = openDiskTools(session.run, (await openWorkspace({ session }).tools()).root, 1_700_000_000);
  const plan = await resolve("vm-amd64", { profiles: PROFILES, community: "guifi" });
  const tree = join(await scratch(), "tree");
  await mkdir(join(tree, "etc"), { recursive: true });
  await writeFile(join(tree, "etc/hostname"), "box\n");

  const make = async (directory: string): Promise<Made> => {
    const image = join(directory, "disk.img");
    const bootFiles = new Map([["config.txt", Buffer.from("x")]]);
    const layout = await disk(session, { plan, tools, root: tree, bootFiles, image, seed: "test" });
    await session.run(["bmaptool", "create", "-o", `${image}.bmap`, image]);
    return { image, layout };
  };
  const [inMemory, onDisk] = [await make(await tmpfs(session)), await make(await scratch())];
  expect(await sha256(inMemory.image)).toBe(await sha256(onDisk.image));

  const map = async ({ image }: Made) => parseBlockMap(await readFile(`${image}.bmap`, "utf8"), image);
  const { ranges } = await map(inMemory);
  for (const { start, end } of await metadata(tools, inMemory)) {
    const covered = ranges.some((range) => range.start <= start && range.start + range.length >= end);
    expect(covered, `bytes ${start} to ${end} are in the block map`).toBe(true);
  }
  expect(await map(onDisk)).toEqual(await map(inMemory));
  // The rest of the root is free, and stays out of it.
  expect(mappedBytes({ ranges })).toBeLessThan(inMemory.layout.size / 2);
});
