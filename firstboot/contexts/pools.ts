// SPDX-License-Identifier: GPL-3.0-or-later
// A storage pool for each context: a btrfs of its own, in a file of fixed size, which Incus makes, formats and mounts as a
// loop device. So what a context can take ends at the size of that file, whatever its root does: quota groups, which
// btrfs has for limits inside a pool, count one subvolume each, and a root can make others.

import { fail } from "../../common/fail.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import { get } from "./incus.ts";
import { CONTEXTS, type ContextId, poolOf, SHARED_POOL } from "./names.ts";
import { type Limits, POOL_BOOKS_MIB } from "./plan.ts";

const MIB = 1024 * 1024;

/** Where Incus keeps the files of pools. */
export const POOL_FILES = "/var/lib/incus/disks";
const fileOf = (pool: string) => `${POOL_FILES}/${pool}.img`;
const mountOf = (pool: string) => `/var/lib/incus/storage-pools/${pool}`;

/** Takes away a pool that both contexts share; the set-up after it makes one for each. */
export const SEPARATE = "sudo cbox reset --all";

/** A pool of each context, or, on a box that was set up by an older image, one of both. */
export type Pools = "own" | "shared";

interface Pool {
  readonly status?: string;
}

type Shares = Readonly<Record<ContextId, Pick<Limits, "diskMib">>>;

export async function readPools(box: Box): Promise<Pools> {
  return (await readPool(box, SHARED_POOL))?.status === "Created" ? "shared" : "own";
}

/** Whether Incus knows a pool that is a context's own, be it whole or not. */
export async function hasOwnPools(box: Box): Promise<boolean> {
  const known = await Promise.all(CONTEXTS.map((id) => readPool(box, poolOf(id))));
  return known.some((pool) => pool !== undefined);
}

export const poolName = (pools: Pools, id: ContextId) => (pools === "shared" ? SHARED_POOL : poolOf(id));

/** Of the pool's file: the share, the template and what btrfs needs to keep its own books. */
export function poolMib({ diskMib }: Pick<Limits, "diskMib">): number {
  return diskMib + POOL_BOOKS_MIB;
}

/** The pools that Incus does not have yet. One whose making was cut short is taken away first. */
export async function missingPools(
  box: Box,
  shares: Shares,
): Promise<readonly { readonly name: string; readonly mib: number }[]> {
  const missing: { name: string; mib: number }[] = [];
  for (const id of CONTEXTS) {
    const name = poolOf(id);
    const known = await readPool(box, name);
    if (known?.status === "Created") continue;
    if (known) await runOrFail(box, "incus", ["storage", "delete", name]);
    await box.remove(fileOf(name));
    missing.push({ name, mib: poolMib(shares[id]) });
  }
  return missing;
}

/**
 * Makes those pools smaller that are larger than their share: the file system first, then its file. Not by Incus, which
 * lets a pool grow only.
 * @throws Failure `no-room` when what is in it needs more; nothing is changed then.
 */
export async function shrinkPools(box: Box, shares: Shares): Promise<void> {
  for (const { id, pool, wanted, file } of await sizesOf(box, shares)) {
    const use = await readPoolUse(box, id);
    if (use && use.sizeMib > wanted) await shrinkFileSystem(box, id, wanted);
    if (file > wanted) await setFileSize(box, pool, wanted);
  }
}

/** Makes those pools larger that are smaller than their share: the file first, then the file system in it. */
export async function growPools(box: Box, shares: Shares): Promise<void> {
  for (const { id, pool, wanted, file } of await sizesOf(box, shares)) {
    if (file < wanted) await setFileSize(box, pool, wanted);
    const use = await readPoolUse(box, id);
    if (use && use.sizeMib < wanted) await runOrFail(box, "btrfs", resizing(pool, "max"));
  }
}

async function sizesOf(box: Box, shares: Shares) {
  const all = await Promise.all(
    CONTEXTS.map(async (id) => {
      const pool = poolOf(id);
      return { id, pool, wanted: poolMib(shares[id]), file: await fileMib(box, pool) };
    }),
  );
  return all.flatMap(({ file, ...rest }) => (file === undefined ? [] : [{ ...rest, file }]));
}

async function shrinkFileSystem(box: Box, id: ContextId, mib: number): Promise<void> {
  const pool = poolOf(id);
  const { code, stderr } = await box.run("btrfs", resizing(pool, mib * MIB));
  if (code !== 0) {
    fail({
      code: "no-room",
      ...errorText("error.no-room.files", { id }),
      ...sayFound("found.disk-of", { mib, said: stderr.trim().split("\n").at(-1) ?? "" }),
    });
  }
  // Before its end is cut off.
  await runOrFail(box, "btrfs", ["filesystem", "sync", mountOf(pool)]);
}

/** @param size in bytes, or all that its device has. */
function resizing(pool: string, size: number | "max"): string[] {
  return ["filesystem", "resize", String(size), mountOf(pool)];
}

/** The loop device has the size that the file had when it was set up, until it is told. */
async function setFileSize(box: Box, pool: string, mib: number): Promise<void> {
  const file = fileOf(pool);
  await runOrFail(box, "truncate", [`--size=${mib}M`, file]);
  const found = await runOrFail(box, "losetup", ["--noheadings", "--output=NAME", `--associated=${file}`]);
  for (const device of found.split("\n").map((line) => line.trim()))
    if (device) await runOrFail(box, "losetup", ["--set-capacity", device]);
}

function readPool(box: Box, pool: string): Promise<Pool | undefined> {
  return get<Pool>(box, `/1.0/storage-pools/${pool}`);
}

export interface PoolUse {
  readonly usedMib: number;
  readonly sizeMib: number;
}

/** Blocks of the context's pool as its file system counts them; undefined where it is not mounted. */
export async function readPoolUse(box: Box, id: ContextId): Promise<PoolUse | undefined> {
  const { code, stdout } = await box.run("df", [
    "--block-size=1M",
    "--output=target,used,size",
    mountOf(poolOf(id)),
  ]);
  const [, target, used, size] = /(\/\S*)\s+(\d+)\s+(\d+)\s*$/.exec(stdout) ?? [];
  // Without the mount df tells of the file system that holds its directory.
  if (code !== 0 || target !== mountOf(poolOf(id))) return undefined;
  return { usedMib: Number(used), sizeMib: Number(size) };
}

/** MiB of the files of pools, where all of them are made; of the one that both share on older boxes. */
export async function filesMib(box: Box): Promise<number | undefined> {
  const shared = await fileMib(box, SHARED_POOL);
  if (shared !== undefined) return shared;
  const [owner, community] = await Promise.all(CONTEXTS.map((id) => fileMib(box, poolOf(id))));
  return owner === undefined || community === undefined ? undefined : owner + community;
}

async function fileMib(box: Box, pool: string): Promise<number | undefined> {
  const { code, stdout } = await box.run("stat", ["--format=%s", fileOf(pool)]);
  return code === 0 ? Math.floor(Number(stdout) / MIB) : undefined;
}
