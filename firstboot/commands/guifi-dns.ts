// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox guifi-dns`: run by the timer of the service guifi-dns. Its output goes to the journal.

import { say } from "../../common/say.ts";
import { refreshDomains } from "../dns/refresh.ts";
import { readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { needRoot } from "./root.ts";

export async function refreshNow(): Promise<void> {
  needRoot("cbox guifi-dns");
  const box = linuxBox();
  await refreshDomains(box, await readImageInfo(box), say);
}
