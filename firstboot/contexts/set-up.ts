// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the contexts from a plan: partition, Incus, storage pools, networks with their ACLs, projects, template, one
// container each. Every action first checks what exists, so that it can be repeated after a power cut.

import { fail } from "../../common/fail.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { sayFound } from "../host/found-text.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import type { Tools } from "../host/tools.ts";
import { balance, type Part } from "./capacity.ts";
import { dataPartition, mountData } from "./data-partition.ts";
import { canFilter, ensureFilters, FILTERS } from "./filters.ts";
import { type Config, get, type Instance, parseMib, send } from "./incus.ts";
import { CONTEXTS, type ContextId, MADE, TEMPLATE, TEMPLATE_NEW } from "./names.ts";
import { type ContextNetworks, chooseNetworks, ensureAcls } from "./network-acl.ts";
import { cpuSet, type Limits, type Plan, type Resources } from "./plan.ts";
import {
  growPools,
  hasOwnPools,
  missingPools,
  type Pools,
  poolName,
  readPools,
  shrinkPools,
} from "./pools.ts";
import { type PreseedContext, renderPreseed } from "./preseed.ts";

export interface Division extends Plan {
  readonly box: Resources;
  readonly cpuPercent: number;
  /** Absent on a box that was set up with one shared storage pool. */
  readonly pools?: "own";
}

/** lxcfs: shows a container its own limits of memory and processors; the firewall rules must precede any packet. */
const UNITS = [
  "lxcfs.service",
  "cbox-contexts.service",
  "incus.socket",
  "incus-startup.service",
  "cbox-start-contexts.service",
];
export async function setUp(
  division: Division,
  { box, image, progress }: Pick<Tools, "box" | "image" | "progress">,
): Promise<Pools> {
  progress("progress.contexts.disk", { gib: gib(division.box.diskMib) });
  const device = image.converted ? undefined : await dataPartition(box);

  progress("progress.contexts.incus");
  await runOrFail(box, "systemctl", ["enable", ...UNITS]);
  await runOrFail(box, "systemctl", ["start", "lxcfs.service", "cbox-contexts.service", "incus.socket"]);
  await runOrFail(box, "incus", ["admin", "waitready"]);
  // Incus has not synced its certificates and network files to the disk.
  await runOrFail(box, "sync", []);

  // Only Incus knows whether the partition holds the shared pool of an older set-up, with its data.
  const pools = await readPools(box);
  if (device && pools === "own") await mountData(box, device, await hasOwnPools(box));

  progress("progress.contexts.networks");
  await divide(box, image, division);
  await runOrFail(box, "sync", []);

  progress("progress.contexts.template");
  await importTemplate(box);
  for (const id of CONTEXTS) {
    progress(`progress.contexts.${id}`, { memory: division[id].memoryMib, disk: gib(division[id].diskMib) });
    await ensureContainer(box, id, division[id]);
  }
  // Stops the contexts at shutdown. If it was not started, the kernel kills them, and the shutdown waits 90 s.
  await runOrFail(box, "systemctl", ["start", "incus-startup.service"]);
  await runOrFail(box, "sync", []);
  return pools;
}

/**
 * Sets the limits of the division on what exists. A context that gets less is reduced first, because a project cannot
 * have less than its instances; one that gets more is increased last.
 * @throws Failure `no-room` when a context uses more than it would get; nothing is changed then.
 */
export async function divide(box: Box, image: ImageInfo, division: Division): Promise<void> {
  const pools = await readPools(box);
  if (pools === "own") await shrinkPools(box, division);
  for (const id of CONTEXTS) {
    const now = await limitsNow(box, id);
    if (!now) continue;
    const { memoryMib, diskMib, processes } = division[id];
    await balance(box, id, {
      memoryMib: Math.min(memoryMib, now.memoryMib),
      diskMib: Math.min(diskMib, now.diskMib),
      processes: Math.min(processes, now.processes),
    });
  }
  await configure(box, image, division, pools);
  if (pools === "own") await growPools(box, division);
}

/** After {@link divide}: the context that gets more uses it. */
export async function finishDivision(box: Box, division: Division): Promise<void> {
  for (const id of CONTEXTS) await balance(box, id, division[id]);
}

/** The context's current limits in Incus; undefined if there is no such project. */
async function limitsNow(box: Box, id: ContextId): Promise<Part | undefined> {
  const project = await get<{ config?: Config }>(box, `/1.0/projects/${id}`);
  const {
    "limits.memory": memory,
    "limits.disk": disk,
    "limits.processes": processes,
  } = project?.config ?? {};
  if (!memory) return undefined;
  return {
    memoryMib: parseMib(memory) ?? 0,
    diskMib: parseMib(disk) ?? 0,
    processes: Number(processes ?? 0),
  };
}

/** Sets up projects, networks and profiles for the division. */
async function configure(box: Box, image: ImageInfo, division: Division, pools: Pools): Promise<void> {
  const networks = await chooseNetworks(box);
  await ensureAcls(box, networks, image);
  const missing = pools === "own" ? await missingPools(box, division) : [];
  const contexts = CONTEXTS.map((id) => ({
    ...describe(id, division, networks),
    poolName: poolName(pools, id),
  }));
  const isFiltered = await canFilter(box);
  const filters = isFiltered ? FILTERS : {};
  const preseed = await renderPreseed(box, { pools: missing, contexts, filters });
  await runOrFail(box, "incus", ["admin", "init", "--preseed"], { input: preseed });
  // For interfaces with their own settings, on a box that was divided before.
  if (isFiltered) await ensureFilters(box);
}

function describe(
  id: ContextId,
  division: Division,
  networks: ContextNetworks,
): Omit<PreseedContext, "poolName"> {
  const { box, cpuPercent } = division;
  const isOwner = id === "owner";
  return {
    id,
    description: isOwner ? "The owner's part of the box" : "What the owner shares with the community",
    limits: division[id],
    cpuSet: cpuSet(box, division[id].cpus),
    cpuPercent: isOwner ? 100 : cpuPercent,
    nesting: !isOwner,
    network: networks[id],
  };
}

/**
 * Imports the template under a temporary alias, and renames it when it is completely on the disk: after a power cut
 * Incus may list an image whose file is empty.
 */
async function importTemplate(box: Box): Promise<void> {
  if (await get(box, `/1.0/images/aliases/${TEMPLATE}`)) return;
  if (await get(box, `/1.0/images/aliases/${TEMPLATE_NEW}`))
    await runOrFail(box, "incus", ["image", "delete", TEMPLATE_NEW]);
  const files = ["metadata.tar", "rootfs.squashfs"].map((name) => `${paths.contextTemplate}/${name}`);
  for (const file of files) {
    if (await box.exists(file)) continue;
    fail({
      code: "template-missing",
      what: "The image lacks the template of the contexts.",
      ...sayFound("found.no-file", { file }),
      hint: "The image is damaged: write it to the disk again.",
    });
  }
  await runOrFail(box, "incus", ["image", "import", ...files, "--alias", TEMPLATE_NEW]);
  await runOrFail(box, "sync", []);
  await runOrFail(box, "incus", ["image", "alias", "rename", TEMPLATE_NEW, TEMPLATE]);
}

async function ensureContainer(box: Box, id: ContextId, limits: Limits): Promise<void> {
  const path = `/1.0/instances/${id}?project=${id}`;
  let known = await get<Instance>(box, path);
  if (known && known.config[MADE] !== "true") {
    await runOrFail(box, "incus", ["delete", "--force", id, "--project", id]);
    known = undefined;
  }
  if (!known) {
    await send(box, "POST", `/1.0/instances?project=${id}`, {
      name: id,
      source: { type: "image", alias: TEMPLATE, project: "default" },
      ...((await box.exists(paths.pool)) ? { devices: { pool: packages() } } : {}),
    });
    await runOrFail(box, "sync", []);
    await send(box, "PATCH", path, { config: { [MADE]: "true" } });
  }
  await balance(box, id, limits);
  if (known?.status === "Running") return;
  await runOrFail(box, "incus", ["start", id, "--project", id]);
}

/** The box's own small Debian repository, mounted at the same path. */
function packages() {
  return { type: "disk", source: paths.pool, path: paths.pool, readonly: "true" };
}

/** GiB with at most one decimal: "3.2". */
export function gib(mib: number): string {
  return (mib / 1024).toFixed(1).replace(/\.0$/, "");
}
