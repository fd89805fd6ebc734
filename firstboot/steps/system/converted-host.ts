// SPDX-License-Identifier: GPL-3.0-or-later
// "system" on a converted Debian: its accounts, passwords, SSH server, name and time zone are not changed. It asks
// only for the language, and which account is the owner's.

import { fail } from "../../../common/fail.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { readChoices, writeChoices } from "../../host/owner-settings.ts";
import { HIDDEN, type Problem, problem } from "../../setup/problems.ts";
import type { AllAnswers, DeepPartial, ProbeResult, StepTools, Warning } from "../../setup/step.ts";
import { findAccount } from "./account.ts";
import type { SystemAnswers } from "./questions.ts";

export interface KeptFacts extends ProbeResult {
  /** Accounts that can be the owner's. */
  readonly people: readonly string[];
}

export async function probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<KeptFacts> {
  const { language, owner } = await readChoices(box);
  const people = await accounts(box);
  const first = owner && people.includes(owner) ? owner : people[0];
  return {
    people,
    defaults: {
      language: all.system?.language ?? language ?? image.community.default_language,
      ...(first ? { "owner.name": first } : {}),
    },
    choices: {
      language: image.community.languages.map((value) => ({ value })),
      "owner.name": people.map((value) => ({ value, label: value })),
    },
    hidden: [
      "keyboard",
      "timezone",
      "hostname",
      "updates",
      "owner.password",
      "owner.ssh_keys",
      "ssh.keys_only",
    ],
  };
}

/** Accounts of people, administrators first; root if there is no other. */
async function accounts(box: Box): Promise<readonly string[]> {
  const lines = async (path: string) =>
    ((await box.readFile(path)) ?? "").split("\n").map((line) => line.split(":"));
  const people = (await lines("/etc/passwd"))
    // The range of people's accounts: login.defs(5), UID_MIN and UID_MAX.
    .filter(([, , uid = ""]) => Number(uid) >= 1000 && Number(uid) <= 60_000)
    .filter(([, , , , , , shell = ""]) => !/\/(nologin|false)$/.test(shell))
    .map(([name = ""]) => name);
  const [sudo] = (await lines("/etc/group")).filter(([name]) => name === "sudo");
  const administrators = (sudo?.[3] ?? "").split(",");
  const sorted = [...people].sort(
    (a, b) => Number(administrators.includes(b)) - Number(administrators.includes(a)),
  );
  return sorted.length > 0 ? sorted : ["root"];
}

export function check(
  { keyboard, timezone, hostname, updates, owner, ssh }: DeepPartial<SystemAnswers>,
  { people }: KeptFacts,
): Problem[] {
  const kept = {
    "system.keyboard": keyboard,
    "system.timezone": timezone,
    "system.hostname": hostname,
    "system.updates": updates,
    "system.owner.password": owner?.password,
    "system.owner.ssh_keys": owner?.ssh_keys,
    "system.ssh.keys_only": ssh?.keys_only,
  };
  const found = Object.entries(kept)
    .filter(([, value]) => value !== undefined)
    .map(([field]) => problem(field, "system-kept", { found: HIDDEN }));
  const name = owner?.name;
  if (name !== undefined && !people.includes(name))
    found.push(
      problem("system.owner.name", "owner-name-unknown", {
        found: name,
        values: { names: people.join(", ") },
      }),
    );
  return found;
}

export async function apply({ language, owner }: SystemAnswers, { box }: StepTools): Promise<void> {
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  const zone = await box.readLink("/etc/localtime");
  const timezone = zone?.includes("/zoneinfo/") ? zone.replace(/^.*\/zoneinfo\//, "") : undefined;
  await writeChoices(box, { language, timezone, hostname, owner: owner.name });
}

export async function verify({ owner: { name } }: SystemAnswers, { box }: StepTools): Promise<Warning[]> {
  if (await findAccount(box, name)) return [];
  return fail({
    code: "account-gone",
    what: `The account "${name}" is not on this machine any more.`,
    hint: "Change the answers and choose another account.",
  });
}
