// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: run by a timer, with output to the journal, or by a person.

import { say } from "../../common/say.ts";
import { readImageInfo } from "../host/image-info.ts";
import { spokenLanguage } from "../host/language.ts";
import { linuxBox } from "../host/linux.ts";
import { translator } from "../i18n/translate.ts";
import { publish } from "../services/publish.ts";
import { refreshMotd } from "./motd.ts";
import { needRoot } from "./root.ts";

export async function publishNow(): Promise<void> {
  needRoot("cbox publish");
  const box = linuxBox();
  const image = await readImageInfo(box);
  await publish(box, image, say, translator(await spokenLanguage(process.stdout)));
  await refreshMotd(box, image);
}
