// SPDX-License-Identifier: GPL-3.0-or-later
// A box with all that the image has, but its kernel and systemd: the image's own root file system, copied, in a network
// namespace of a lab. Its `cbox` is the bundle; what that tells systemctl is done as far as files go, and the programs
// are started here.
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RunResult } from "../../firstboot/host/box.ts";
import { writeChoices } from "../../firstboot/host/owner-settings.ts";
import { writeMarker } from "../../firstboot/setup/marker.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { CONTEXT_SET, profileSet } from "../../image/debian/package-sets.ts";
import { createSession } from "../../image/host/session.ts";
import { layOutPool, poolPins, SERVICES_SETS } from "../../image/services/pool.ts";
import { base } from "../../image/stages/base.ts";
import { customize } from "../../image/stages/customize.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { rootfs } from "../../image/stages/rootfs.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import type { Lab } from "../lab/lab.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { endProcess, startUnit } from "./units.ts";

const PROFILE = "vm-amd64";
/** An installation, on a machine that builds an image beside it. */
const COMMAND_MS = 600_000;

export interface WholeBox {
  readonly box: ChrootBox;
  /** What root types. */
  cbox(...words: string[]): Promise<RunResult>;
  /** The same, while a program is started that it waits for, as soon as there is the file that it needs. */
  cboxWith(words: readonly string[], file: string, start: () => Promise<void>): Promise<RunResult>;
  start(...command: string[]): void;
  startUnit(unit: string): Promise<void>;
  stopUnit(unit: string): Promise<void>;
  /** Ends all its programs, and none of them can say a last word. */
  cutPower(): void;
}

/** Makes it from what the build made, at `root`; `packages`: those of the image's pool that it has. */
export async function imageRoot(root: string, packages: readonly string[]): Promise<void> {
  const session = createSession({ logDirectory: join(cacheDir(), "log", "whole-box") });
  const workspace = openWorkspace({ session });
  const plan = await resolve(PROFILE, { community: "guifi" });
  const { release, architecture } = plan.profile;
  const sets = ["base", CONTEXT_SET, ...Object.values(SERVICES_SETS), profileSet(PROFILE)];
  const locked = await workspace.packages(release, architecture, sets);
  const { epoch } = locked.lock;
  const pins = poolPins(locked, profileSet(PROFILE), CONTEXT_SET);
  const layer = await rootfs(workspace, plan, locked, await base(workspace, plan, locked));
  // Hard links of the layer, which nothing may write into.
  const customized = `${root}.customized`;
  const pool = (target: string) =>
    layOutPool(
      locked,
      pins.filter(({ name }) => packages.includes(name)),
      target,
      epoch,
    );
  await customize(session, {
    plan,
    layer,
    mirror: await workspace.mirror(),
    epoch,
    target: customized,
    pool,
  });
  rmSync(root, { recursive: true, force: true });
  mkdirSync(dirname(root), { recursive: true });
  await session.run(["cp", "--archive", customized, root]);
  rmSync(customized, { recursive: true });
}

/** `root` is of its own. The lab's host is one without a server. */
export async function wholeBox(lab: Lab, host: string, root: string, hostname: string): Promise<WholeBox> {
  const box = chrootBox(root, lab.place(host).namespace);
  await box.writeFile("/etc/hostname", `${hostname}\n`);
  await box.writeFile("/etc/machine-id", `${randomBytes(16).toString("hex")}\n`);
  await box.writeFile("/etc/resolv.conf", "nameserver 10.139.40.1\n");
  await box.writeFile("/etc/community-box/ca.pem", lab.authority());
  await writeChoices(box, { language: "en", hostname });
  const configured = box.now().toISOString();
  await writeMarker(box, { configured, version: "test", providedSecrets: [], warnings: [] });
  const running = new Map<string, ChildProcess>();
  const cbox: WholeBox["cbox"] = (...words) =>
    box.run("env", ["SYSTEMD_OFFLINE=1", "cbox", ...words], { timeout: COMMAND_MS });
  return {
    box,
    cbox,
    async cboxWith(words, file, start) {
      let isDone = false;
      const command = cbox(...words).finally(() => {
        isDone = true;
      });
      while (!isDone && !(await box.exists(file))) await delay(100);
      if (!isDone) await start();
      return command;
    },
    start(...command) {
      running.set(command.join(" "), box.start(command));
    },
    async startUnit(unit) {
      running.set(unit, await startUnit(box, unit));
    },
    async stopUnit(unit) {
      const child = running.get(unit);
      running.delete(unit);
      if (child) await endProcess(child);
    },
    cutPower() {
      for (const child of running.values()) child.kill("SIGKILL");
      running.clear();
    },
  };
}
