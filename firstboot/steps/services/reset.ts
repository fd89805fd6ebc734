// SPDX-License-Identifier: GPL-3.0-or-later
// Takes discovery away: nothing announces this box any more, and it gets a new name when it is set up again.

import { PUBLISH_TIMER, SERF_UNIT } from "../../discovery/serf.ts";
import type { Box } from "../../host/box.ts";
import { paths } from "../../host/paths.ts";

/** What the agent keeps: tags of before would be announced again, old peers asked again. */
const SERF_DATA = ["/var/lib/serf/tags.json", "/var/lib/serf/snapshot"];

export async function resetSerf(box: Box): Promise<void> {
  await box.run("systemctl", ["disable", "--now", PUBLISH_TIMER, SERF_UNIT]);
  const own = [paths.serfConfig, paths.serfRpcKey, paths.serfHostId];
  for (const path of [...own, paths.published, ...SERF_DATA]) await box.remove(path);
}
