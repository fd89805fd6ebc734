// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox vpn refresh`: run hourly by a timer. Its output goes to the journal.

import { say } from "../../common/say.ts";
import { readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { refreshVpn } from "../vpn/refresh.ts";
import { needRoot } from "./root.ts";

export async function refreshNow(): Promise<void> {
  needRoot("cbox vpn refresh");
  const box = linuxBox();
  await refreshVpn(box, await readImageInfo(box), { log: say, alone });
}
