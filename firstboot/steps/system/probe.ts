// SPDX-License-Identifier: GPL-3.0-or-later
// Facts about this box for the questions: time zones, keyboards, names in use.

import type { Box } from "../../host/box.ts";
import { type ImageInfo, websiteName } from "../../host/image-info.ts";
import { readChoices } from "../../host/owner-settings.ts";
import { paths } from "../../host/paths.ts";
import { readTimeZones } from "../../host/time-zones.ts";
import type { AllAnswers } from "../../setup/step.ts";
import { canUpdate } from "../../updates/updates.ts";
import type { SystemFacts } from "./check.ts";
import { defaultHostName } from "./hostname.ts";
import { keyboardSurvey, readKeyboard } from "./keyboard.ts";

/** Users from this id on are people (login.defs, UID_MIN). */
const FIRST_PERSON = 1000;

export async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<SystemFacts> {
  const machineId = (await box.readFile("/etc/machine-id")) ?? "";
  // On a box in use the name stays: another one would be a new account, and the old home would be deleted.
  const owner = (await box.exists(paths.configured)) ? (await readChoices(box)).owner : undefined;
  const takesPasswords = /^PasswordAuthentication yes$/m.test((await box.readFile(paths.sshd)) ?? "");
  const keyboard = await readKeyboard(box);
  const typed = keyboardSurvey(keyboard, image);
  const hasUpdates = await canUpdate(box);
  return {
    defaults: {
      ...typed.defaults,
      // Already chosen if the step "install" was asked.
      language: all.install?.language ?? image.community.default_language,
      timezone: image.community.timezone,
      hostname: defaultHostName(machineId.trim()),
      ...(hasUpdates ? { updates: image.community.updates.choice } : {}),
      "owner.ssh_keys": [],
      ...(owner ? { "owner.name": owner } : {}),
      // On a box in use, Enter keeps the current setting.
      ...(owner && takesPasswords ? { "ssh.keys_only": false } : {}),
    },
    hidden: [...(typed.hidden ?? []), ...(hasUpdates ? [] : ["updates"]), ...(owner ? ["owner.name"] : [])],
    choices: { ...typed.choices, language: image.community.languages.map((value) => ({ value })) },
    keyboard,
    ...(await readTimeZones(box)),
    takenNames: await takenNames(box),
    namesAround: namesAround(image, all),
    ...(owner ? { owner } : {}),
  };
}

function namesAround({ community }: ImageInfo, { member, node }: AllAnswers): string[] {
  const names = [community.id, community.title, websiteName({ community }), member?.username, node?.name];
  return names.filter((name) => typeof name === "string");
}

async function takenNames(box: Box): Promise<ReadonlySet<string>> {
  const taken = new Set<string>(["root"]);
  const ours = (await readChoices(box)).owner;
  for (const file of ["/etc/passwd", "/etc/group"]) {
    for (const line of ((await box.readFile(file)) ?? "").split("\n")) {
      const [name = "", , id = ""] = line.split(":");
      // The owner's account of an earlier try is available; apply reuses it.
      if (name && !(name === ours && Number(id) >= FIRST_PERSON)) taken.add(name);
    }
  }
  return taken;
}
