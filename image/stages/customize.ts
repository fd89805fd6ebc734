// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "customize": the layer plus rendered overlays, the first-boot bundle and the facts about this image. The
// layer is copied by hard links, so files are always replaced, never written into.

import { chmod, lchown, lutimes, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { EXAMPLE_FILE } from "../answers/example.ts";
import type { Layer } from "../cache/layers.ts";
import type { Mirror } from "../debian/mirror.ts";
import type { Session } from "../host/session.ts";
import { imageFacts } from "../profile/image-facts.ts";
import { CONTEXT_DIRECTORY, CONTEXT_FILES } from "./context.ts";
import type { Plan } from "./resolve.ts";
import { scrub } from "./scrub.ts";
import { finishFile } from "./template.ts";

/** What templates may use: `{{profile.disk.root_max_gib}}`, `{{mirror.debian}}`, `{{#each profile.consoles}}`. */
export interface TemplateData extends Pick<Plan, "profile" | "community" | "version"> {
  readonly mirror: Mirror;
  /** Kernel command line without the root device. */
  readonly kernel_arguments: string;
  /** The same without {@link QUIET}, for a start that shows all messages. */
  readonly talkative_arguments: string;
  /** Whether the kernel is a 64-bit one, which some old processors cannot run. */
  readonly needs_long_mode: boolean;
  /** systemd's name of the unit that mounts CBOX-BOOT. */
  readonly boot_unit: string;
  /** Date of the image, from its epoch. */
  readonly built: string;
}

export interface CustomizeOptions {
  readonly plan: Plan;
  /** Absent: only the overlays, without a system below them. */
  readonly layer?: Layer;
  /** The template of contexts; the benchmark's plain Debian goes without. */
  readonly context?: Layer;
  /** Packages of services; the benchmark's plain Debian goes without. */
  readonly pool?: (root: string) => Promise<void>;
  readonly mirror: Mirror;
  readonly epoch: number;
  /** Where the customized root file system goes; anything there is removed. */
  readonly target: string;
}

/** Leaves the customized system at `target`; resolves to the files of the FAT partition, by path. */
export async function customize(
  session: Session,
  options: CustomizeOptions,
): Promise<Map<string, Uint8Array>> {
  const { plan, layer, epoch, target } = options;
  await rm(target, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  if (layer) await session.run(["cp", "--archive", "--link", layer.root, target]);

  const data = templateData(plan, options.mirror, epoch);
  const put = async (path: string, mode: number, content: string | Uint8Array, link?: string) => {
    const place = join(target, path);
    await mkdir(dirname(place), { recursive: true });
    await rm(place, { force: true });
    if (link === undefined) {
      await writeFile(place, content);
      await chmod(place, mode);
    } else {
      await symlink(link, place);
    }
    await lchown(place, 0, 0);
    await lutimes(place, epoch, epoch);
  };

  for (const file of plan.overlays) {
    session.note(`overlay /${file.target}`);
    if (file.link !== undefined) await put(file.target, file.mode, "", file.link);
    else {
      const { path, content } = await finishFile(file, data);
      await put(path, file.mode, content);
    }
  }
  for (const { name, code } of plan.bundle.files) await put(join("usr/lib/community-box", name), 0o644, code);
  await put("usr/lib/community-box/services/catalogue.json", 0o644, `${JSON.stringify(plan.catalogue)}\n`);
  await put(
    "usr/lib/community-box/image.json",
    0o644,
    `${JSON.stringify(imageFacts(plan, data.built), null, 2)}\n`,
  );
  for (const name of options.context ? Object.values(CONTEXT_FILES) : []) {
    await put(join(CONTEXT_DIRECTORY, name), 0o644, await readFile(join(options.context!.root, name)));
  }
  await options.pool?.(target);
  await mkdir(join(target, plan.profile.boot.mount), { recursive: true });
  const bootFiles = await moveOut(join(target, plan.profile.boot.mount));
  await scrub(session, target, epoch);

  for (const file of plan.bootFiles) {
    const { path, content } = await finishFile(file, data);
    bootFiles.set(path, content);
  }
  bootFiles.set(EXAMPLE_FILE, Buffer.from(plan.example));
  return bootFiles;
}

/** Moves out what packages put at the mount point of the FAT partition, such as the firmware of a Raspberry Pi. */
async function moveOut(mount: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of await readdir(mount, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(mount, path), await readFile(path));
  }
  for (const name of await readdir(mount)) await rm(join(mount, name), { recursive: true });
  return files;
}

/** Words of the kernel's command line that keep messages of the start from the consoles. */
const QUIET = /^(quiet|loglevel=\d+|systemd\.show_status=.*)$/;

export function templateData(plan: Plan, mirror: Mirror, epoch: number): TemplateData {
  const { profile, community, version } = plan;
  const consoles = profile.consoles.flatMap(({ kernel }) => (kernel ? [`console=${kernel}`] : []));
  return {
    profile,
    community,
    version,
    mirror,
    kernel_arguments: [...consoles, ...profile.kernel.arguments].join(" "),
    talkative_arguments: [...consoles, ...profile.kernel.arguments.filter((word) => !QUIET.test(word))].join(
      " ",
    ),
    needs_long_mode: profile.architecture === "amd64",
    boot_unit: mountUnit(profile.boot.mount),
    built: new Date(epoch * 1000).toISOString().replace(".000", ""),
  };
}

/** systemd's name of the unit that mounts a path: `/boot/efi` -> `boot-efi.mount`. See systemd-escape(1). */
export function mountUnit(path: string): string {
  const parts = path.split("/").filter(Boolean);
  return `${parts.map((part) => part.replaceAll("-", "\\x2d")).join("-")}.mount`;
}
