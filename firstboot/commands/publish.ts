// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: what the timer runs. Its words go to the journal.

import { fail } from "../../common/fail.ts";
import { linuxBox } from "../box-linux.ts";
import { readImageInfo } from "../image-info.ts";
import { publish } from "../publish.ts";

export async function publishNow(): Promise<void> {
  if (process.getuid?.() !== 0) {
    fail({ code: "root-needed", what: "Only root can announce services.", hint: "sudo cbox publish" });
  }
  const box = linuxBox();
  await publish(box, await readImageInfo(box), (line) => process.stdout.write(`${line}\n`));
}
