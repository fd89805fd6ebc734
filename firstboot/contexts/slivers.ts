// SPDX-License-Identifier: GPL-3.0-or-later
// Slivers: further instances in the community's context with their own limits, as copies of the template that share
// its blocks. Their resources come from the community's own container and return to it.

import { fail } from "../../common/fail.ts";
import { type Box, runOrFail } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { saidOr, sayFound } from "../host/found-text.ts";
import { balance, lacking, type Part, partOf, remainder, settings } from "./capacity.ts";
import { type Instance, instancesOf, send } from "./incus.ts";
import { MADE, SLIVER, TEMPLATE } from "./names.ts";
import type { Limits } from "./plan.ts";
import { poolName, readPools } from "./pools.ts";

const PROJECT = "community";
/** Valid as a DNS name and in Incus. */
const NAME = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;

export interface SliverWish extends Part {
  readonly name: string;
  /** Alias of an image in Incus; by default the box's own template. */
  readonly image?: string;
  readonly isVm?: boolean;
}

export async function slivers(box: Box): Promise<readonly Instance[]> {
  return (await instancesOf(box, PROJECT)).filter(({ name }) => name !== PROJECT);
}

/** Throws Failures `sliver-name`, `sliver-exists`, `no-room`. */
export async function createSliver(box: Box, limits: Limits, wish: SliverWish): Promise<void> {
  const { name, image = TEMPLATE, isVm = false } = wish;
  checkName(name);
  const instances = await instancesOf(box, PROJECT);
  if (instances.some((each) => each.name === name)) {
    fail({ code: "sliver-exists", ...errorText("error.sliver-exists", { name }) });
  }
  checkRoom(limits, instances, wish);
  const pool = poolName(await readPools(box), PROJECT);
  await balance(box, PROJECT, limits, [wish]);
  try {
    await send(box, "POST", `/1.0/instances?project=${PROJECT}`, {
      name,
      type: isVm ? "virtual-machine" : "container",
      source: { type: "image", alias: image, project: "default" },
      config: { ...settings(wish), [SLIVER]: "true", [MADE]: "true" },
      devices: { root: { type: "disk", path: "/", pool, size: `${wish.diskMib}MiB` } },
    });
    await runOrFail(box, "incus", ["start", name, "--project", PROJECT]);
  } catch (error) {
    await box.run("incus", ["delete", "--force", name, "--project", PROJECT]);
    await balance(box, PROJECT, limits);
    throw error;
  }
}

/** Throws Failure `sliver-unknown`. */
export async function removeSliver(box: Box, limits: Limits, name: string): Promise<void> {
  await findSliver(box, name);
  await runOrFail(box, "incus", ["delete", "--force", name, "--project", PROJECT]);
  await balance(box, PROJECT, limits);
}

export async function findSliver(box: Box, name: string): Promise<Instance> {
  const all = await slivers(box);
  const names = all.map((each) => each.name).join(", ");
  return (
    all.find((each) => each.name === name) ??
    fail({
      code: "sliver-unknown",
      ...errorText("error.sliver-unknown", { name }),
      ...saidOr(names, "found.no-slivers"),
    })
  );
}

function checkName(name: string): void {
  if (NAME.test(name) && name !== PROJECT && name !== "owner") return;
  fail({ code: "sliver-name", ...errorText("error.sliver-name"), ...saidOr(name, "found.nothing") });
}

function checkRoom(limits: Limits, instances: readonly Instance[], wish: Part): void {
  const noRoom = (...found: Parameters<typeof sayFound>) =>
    fail({ code: "no-room", ...errorText("error.no-room.sliver"), ...sayFound(...found) });
  if (instances.length >= limits.instances) {
    noRoom("found.sliver-count", { count: instances.length, most: limits.instances });
  }
  const left = remainder(limits, [...instances.filter(({ name }) => name !== PROJECT).map(partOf), wish]);
  const lack = lacking(left);
  if (lack) noRoom(`found.sliver-left.${lack}`, { left: Math.max(0, left[lack]) });
  const used = instances.find(({ name }) => name === PROJECT)?.state?.memory?.usage ?? 0;
  const usedMib = Math.ceil(used / 1024 / 1024);
  if (usedMib > left.memoryMib) noRoom("found.sliver-memory", { used: usedMib });
}
