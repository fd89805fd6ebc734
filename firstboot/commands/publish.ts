// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: what the timer runs. Its words go to the journal.

import { say } from "../../common/say.ts";
import { linuxBox } from "../box-linux.ts";
import { readImageInfo } from "../image-info.ts";
import { publish } from "../publish.ts";
import { refreshMotd } from "./motd.ts";
import { needRoot } from "./root.ts";

export async function publishNow(): Promise<void> {
  needRoot("cbox publish");
  const box = linuxBox();
  const image = await readImageInfo(box);
  await publish(box, image, say);
  await refreshMotd(box, image);
}
