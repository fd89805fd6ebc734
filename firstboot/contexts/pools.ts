// SPDX-License-Identifier: GPL-3.0-or-later
// A storage pool for each context: a btrfs in a file of fixed size, which Incus creates, formats and mounts as a loop
// device. The file's size limits a context even if its root tries to exceed it: btrfs quota groups count one
// subvolume each, and root can create more.

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

/** Removes a pool that both contexts share; the next set-up creates one for each. */
export const SEPARATE = "sudo cbox reset --all";

/** One pool for each context, or a shared one on a box that was set up by an older image. */
export type Pools = "own" | "shared";

interface Pool {
  readonly status?: string;
}

type Shares = Readonly<Record<ContextId, Pick<Limits, "diskMib">>>;

export async function readPools(box: Box): Promise<Pools> {
  return (await readPool(box, SHARED_POOL))?.status === "Created" ? "shared" : "own";
}

/** Whether Incus has a pool for a single context, complete or not. */
export async function hasOwnPools(box: Box): Promise<boolean> {
  const known = await Promise.all(CONTEXTS.map((id) => readPool(box, poolOf(id))));
  return known.some((pool) => pool !== undefined);
}

export const poolName = (pools: Pools, id: ContextId) => (pools === "shared" ? SHARED_POOL : poolOf(id));

/** Size of the pool's file: the share, the template and btrfs metadata. */
export function poolMib({ diskMib }: Pick<Limits, "diskMib">): number {
  return diskMib + POOL_BOOKS_MIB;
}

/** The pools that Incus does not have yet. One whose creation was interrupted is removed first. */
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
 * Shrinks the pools that are larger than their share: first the file system, then its file. Without Incus, which can
 * only grow a pool.
 * @throws Failure `no-room` when its contents need more; nothing is changed then.
 */
export async function shrinkPools(box: Box, shares: Shares): Promise<void> {
  for (const { id, pool, wanted, file } of await sizesOf(box, shares)) {
    const use = await readPoolUse(box, id);
    if (use && use.sizeMib > wanted) await shrinkFileSystem(box, id, wanted);
    if (file > wanted) await setFileSize(box, pool, wanted);
  }
}

/** Grows the pools that are smaller than their share: first the file, then its file system. */
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
  // Must be on the disk before the end of the file is cut off.
  await runOrFail(box, "btrfs", ["filesystem", "sync", mountOf(pool)]);
}

/** @param size in bytes, or "max" for all of its device */
function resizing(pool: string, size: number | "max"): string[] {
  return ["filesystem", "resize", String(size), mountOf(pool)];
}

/** The loop device keeps the file's former size until it is told to read the new one. */
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

/** Use of the context's pool according to its file system; undefined if it is not mounted. */
export async function readPoolUse(box: Box, id: ContextId): Promise<PoolUse | undefined> {
  const { code, stdout } = await box.run("df", [
    "--block-size=1M",
    "--output=target,used,size",
    mountOf(poolOf(id)),
  ]);
  const [, target, used, size] = /(\/\S*)\s+(\d+)\s+(\d+)\s*$/.exec(stdout) ?? [];
  // Without the mount, df reports the file system of its directory.
  if (code !== 0 || target !== mountOf(poolOf(id))) return undefined;
  return { usedMib: Number(used), sizeMib: Number(size) };
}

/** Total MiB of the pools' files if all exist, or of the shared one on older boxes. */
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
