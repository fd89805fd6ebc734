// SPDX-License-Identifier: GPL-3.0-or-later
// Removes the contexts for a new set-up with their data, or only stops them, to be used again unchanged.

import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { unmountData } from "./data-partition.ts";
import { get, instancesOf } from "./incus.ts";
import { CONTEXTS, networkOf, poolOf, SHARED_POOL, TEMPLATE, TEMPLATE_NEW } from "./names.ts";

const POOLS = [...CONTEXTS.map(poolOf), SHARED_POOL];

export async function tearDown(box: Box, keepData: boolean): Promise<void> {
  const made = await Promise.all(POOLS.map((pool) => get(box, `/1.0/storage-pools/${pool}`)));
  if (made.some(Boolean) && !keepData) await removeAll(box);
  // First the containers, as at a shutdown.
  await box.run("systemctl", ["disable", "--now", "cbox-start-contexts.service", "incus-startup.service"]);
  await box.run("systemctl", ["disable", "--now", "incus.socket", "incus.service"]);
  await box.run("systemctl", ["disable", "--now", "cbox-contexts.service", "lxcfs.service"]);
  if (!keepData) await unmountData(box);
  await box.remove(paths.contextsFiltered);
  await box.remove(paths.contexts);
}

async function removeAll(box: Box): Promise<void> {
  for (const id of CONTEXTS) {
    for (const { name } of await instancesOf(box, id)) {
      await box.run("incus", ["delete", "--force", name, "--project", id]);
    }
    await box.run("incus", ["project", "delete", "--force", id]);
    await box.run("incus", ["network", "delete", networkOf(id)]);
    await box.run("incus", ["network", "acl", "delete", networkOf(id)]);
  }
  for (const image of [TEMPLATE, TEMPLATE_NEW]) await box.run("incus", ["image", "delete", image]);
  for (const pool of POOLS) await box.run("incus", ["storage", "delete", pool]);
}
