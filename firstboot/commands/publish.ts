// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: what the timer runs. Its words go to the journal.

import { linuxBox } from "../box-linux.ts";
import { readImageInfo } from "../image-info.ts";
import { publish } from "../publish.ts";
import { needRoot } from "./root.ts";

export async function publishNow(): Promise<void> {
  needRoot("cbox publish");
  const box = linuxBox();
  await publish(box, await readImageInfo(box), (line) => process.stdout.write(`${line}\n`));
}
