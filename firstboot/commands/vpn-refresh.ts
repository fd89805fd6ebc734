// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox vpn refresh`: what the timer runs every hour. Its words go to the journal.

import { linuxBox } from "../box-linux.ts";
import { readImageInfo } from "../image-info.ts";
import { alone } from "../lock.ts";
import { refreshVpn } from "../vpn/refresh.ts";
import { needRoot } from "./root.ts";

export async function refreshNow(): Promise<void> {
  needRoot("cbox vpn refresh");
  const box = linuxBox();
  const log = (line: string) => void process.stdout.write(`${line}\n`);
  await refreshVpn(box, await readImageInfo(box), { log, alone });
}
