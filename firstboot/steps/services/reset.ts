// SPDX-License-Identifier: GPL-3.0-or-later
// Removes services and discovery: the box is not announced any more, and gets a new name at the next set-up.

import { PUBLISH_TIMER, SERF_UNIT } from "../../discovery/serf.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { paths } from "../../host/paths.ts";
import { everyService } from "../../services/custom-projects.ts";
import { deactivate, removeData } from "../../services/engine.ts";
import type { ResetOptions } from "../../setup/step.ts";

/** State of the agent: otherwise old tags would be announced again, and old peers contacted. */
const SERF_DATA = ["/var/lib/serf/tags.json", "/var/lib/serf/snapshot"];

export async function reset(box: Box, image: ImageInfo, { keepData }: ResetOptions): Promise<void> {
  // Services that depend on others first.
  for (const service of (await everyService(box)).slice().reverse()) {
    // Fails if the service was in a context that has been removed.
    await deactivate({ box, image }, service).catch(() => {});
    if (!keepData) await removeData({ box, image }, service).catch(() => {});
  }
  await resetSerf(box);
  const kept = [paths.services, paths.serviceSecrets, paths.ownServices];
  if (!keepData) for (const path of kept) await box.remove(path);
}

async function resetSerf(box: Box): Promise<void> {
  await box.run("systemctl", ["disable", "--now", PUBLISH_TIMER, SERF_UNIT]);
  const own = [paths.serfConfig, paths.serfRpcKey, paths.serfHostId];
  for (const path of [...own, paths.published, ...SERF_DATA]) await box.remove(path);
}
