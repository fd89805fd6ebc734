// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox guifi-graphs`: run by the timer of the service guifi-graphs. Its output goes to the journal.

import { say } from "../../common/say.ts";
import { refreshGraphs } from "../graphs/refresh.ts";
import { readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { needRoot } from "./root.ts";

export async function refreshGraphsNow(): Promise<void> {
  needRoot("cbox guifi-graphs");
  const box = linuxBox();
  await refreshGraphs(box, await readImageInfo(box), say);
}
