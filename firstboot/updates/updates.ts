// SPDX-License-Identifier: GPL-3.0-or-later
// Security updates by Debian's own means: APT's two timers start unattended-upgrades. The image configures it
// (apt.conf.d/55community-box-updates); one file, a condition of the timers, switches it on.

import { CONTEXTS } from "../contexts/names.ts";
import { readRecord } from "../contexts/record.ts";
import { type Box, runOrFail } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { readChoices, type Updates } from "../host/owner-settings.ts";
import { paths } from "../host/paths.ts";
import { type Place, placeOf } from "../services/place.ts";

const PROGRAM = "/usr/bin/unattended-upgrade";
const TIMERS = ["apt-daily.timer", "apt-daily-upgrade.timer"] as const;
const RESTARTS = 'Unattended-Upgrade::Automatic-Reboot "true";';
/** APT's lists of the archives. Its time stamp proves nothing: it is written even without a network. */
const LISTS = "/var/lib/apt/lists";
/** Written when a kernel package is installed. */
const RESTART_DUE = "/run/reboot-required";
/** Seconds until a container that was just started accepts commands. */
const PATIENCE = 60;

export function canUpdate(place: Pick<Place, "exists">): Promise<boolean> {
  return place.exists(PROGRAM);
}

/** For the box itself. Idempotent. Fails with `command-failed`. */
export async function updateBox(box: Box, image: ImageInfo, updates: Updates): Promise<void> {
  if (!(await canUpdate(box))) return;
  const before = (await box.readFile(paths.updates)) ?? "";
  await follow(box, placeOf(box, "host"), updates, policy(updates, await restartTime(box, image)));
  // A restart scheduled for tonight is cancelled.
  if (updates !== "restart" && before.includes(RESTARTS)) await box.run("shutdown", ["-c"]);
}

/**
 * For the contexts' containers, with the box's choice; without a kernel they need no restart. On a converted machine,
 * where this is not asked, with the community's default. Idempotent. Fails with `command-failed`.
 */
export async function updateContexts(box: Box, image: ImageInfo): Promise<void> {
  const suggested = image.converted ? image.community.updates.choice : undefined;
  const { updates = suggested } = await readChoices(box);
  const record = await readRecord(box);
  if (!updates || !record || "none" in record) return;
  for (const id of CONTEXTS) {
    const place = placeOf(box, id);
    for (let second = 0; second < PATIENCE && (await place.readFile("/etc/hostname")) === undefined; second++)
      await box.sleep(1000);
    // One that does not run gets it by: cbox contexts setup
    if (await canUpdate(place)) await follow(box, place, updates, policy("fixes"));
  }
}

async function follow(box: Box, place: Place, updates: Updates, file: string): Promise<void> {
  if (updates === "off") await place.remove(paths.updates);
  else await place.writeFile(paths.updates, file, { mode: "0644", owner: "root:root" });
  const order = [updates === "off" ? "stop" : "start", ...TIMERS];
  for (let second = 1; (await place.run("systemctl", order)).code !== 0; second++) {
    if (second === PATIENCE) await runOrFail(place, "systemctl", order);
    await box.sleep(1000);
  }
}

function policy(updates: Updates, restartAt?: string): string {
  return [
    "// Written by the Community Box set-up. To change it: sudo cbox system setup",
    'APT::Periodic::Update-Package-Lists "1";',
    'APT::Periodic::Unattended-Upgrade "1";',
    ...(updates === "restart"
      ? [RESTARTS, `Unattended-Upgrade::Automatic-Reboot-Time "${restartAt}";`]
      : ['Unattended-Upgrade::Automatic-Reboot "false";']),
    "",
  ].join("\n");
}

/** In the community's hour, at a minute derived from the machine id: neighbouring boxes do not restart together. */
async function restartTime(box: Box, image: ImageInfo): Promise<string> {
  const machineId = (await box.readFile("/etc/machine-id")) ?? "";
  const minute = (Number.parseInt(machineId.slice(0, 8), 16) || 0) % 60;
  return [image.community.updates.restart_hour, minute]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** Whether the timers match the choice. */
export async function areTimersRight(box: Box, updates: Updates): Promise<boolean> {
  const { code } = await box.run("systemctl", ["is-active", "--quiet", ...TIMERS]);
  return (code === 0) === (updates !== "off");
}

export interface UpdatesState {
  readonly choice: Updates;
  /** The timers match the choice. */
  readonly working: boolean;
  /** The date of the box's list of the security archive: later fixes are unknown; null: no list yet. */
  readonly known_until: string | null;
  readonly restart_due: boolean;
  /** Packages whose fix was skipped, usually because it needs a package that is not a fix; with the context. */
  readonly kept_back: readonly string[];
}

/** Written by unattended-upgrade at the end of a run, names separated by spaces; removed if there are none. */
const KEPT_BACK = "/var/lib/unattended-upgrades/kept-back";

/** Such as "libxml2" and "community: openssl". Only root can access contexts. */
export async function keptBack(box: Box): Promise<string[]> {
  const record = await readRecord(box);
  const isRoot = (await box.run("id", ["-u"])).stdout.trim() === "0";
  const contexts = !isRoot || !record || "none" in record ? [] : CONTEXTS;
  const found: string[] = [];
  for (const id of ["host", ...contexts] as const) {
    const names = ((await placeOf(box, id).readFile(KEPT_BACK)) ?? "").split(/\s+/).filter(Boolean);
    found.push(...names.map((name) => (id === "host" ? name : `${id}: ${name}`)));
  }
  return found;
}

/** Undefined on a box that cannot update itself. */
export async function readUpdates(box: Box): Promise<UpdatesState | undefined> {
  const { updates } = await readChoices(box);
  if (!updates || !(await canUpdate(box))) return undefined;
  return {
    choice: updates,
    working: await areTimersRight(box, updates),
    known_until: await knownUntil(box),
    restart_due: await box.exists(RESTART_DUE),
    kept_back: updates === "off" ? [] : await keptBack(box),
  };
}

async function knownUntil(box: Box): Promise<string | null> {
  const name = (await box.list(LISTS)).find((file) => /-security_(In)?Release$/.test(file));
  const text = name && (await box.readFile(`${LISTS}/${name}`));
  const date = new Date(/^Date: (.+)$/m.exec(text ?? "")?.[1] ?? "");
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
