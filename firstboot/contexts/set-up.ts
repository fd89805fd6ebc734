// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the contexts from a plan: partition, Incus, storage pools, networks with their ACLs, projects, template, one
// container each.
// Each act looks first and makes what is not there, so that a power cut repeats it.

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
  /** Absent on a box that was set up when both had one storage pool. */
  readonly pools?: "own";
}

/** lxcfs: what a container sees as its memory and processors; the walls before the first packet. */
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
  // What Incus has written by now is not on the disk yet: its certificates, later the files of its networks.
  await runOrFail(box, "sync", []);

  // Only Incus knows whether the partition is its own: the one pool of an older set-up, with all that is in it.
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
  // What stops the contexts when the box stops. Where it was not started, the kernel ends them, and the stop waits 90 s.
  await runOrFail(box, "systemctl", ["start", "incus-startup.service"]);
  await runOrFail(box, "sync", []);
  return pools;
}

/**
 * Gives what is there the limits of the division. A context that gets less gives it up first, for a project cannot have
 * less than its instances; one that gets more takes it last.
 * @throws Failure `no-room` when a context holds more than it would get; nothing is changed then.
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

/** After {@link divide}: the context that gets more takes it. */
export async function finishDivision(box: Box, division: Division): Promise<void> {
  for (const id of CONTEXTS) await balance(box, id, division[id]);
}

/** What Incus lets the context have; undefined when it knows no such project. */
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

/** Projects, networks and profiles as the division says. */
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
  // Interfaces that have settings of their own, on a box that was divided before.
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
 * Takes the template in under another name, and gives it its own when all of it is on the disk: after a power cut Incus
 * may know an image whose file is empty.
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

/** The box's own little Debian repository, seen at the same place. */
function packages() {
  return { type: "disk", source: paths.pool, path: paths.pool, readonly: "true" };
}

/** MiB as a person says it: "3.2". */
export function gib(mib: number): string {
  return (mib / 1024).toFixed(1).replace(/\.0$/, "");
}
