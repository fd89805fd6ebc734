// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "resolve": profile chain, community, overlays and the first-boot bundle -> one frozen plan of the build,
// hashed. The hash names the image: same plan, same bytes.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { readCatalogue } from "../../common/catalogue.ts";
import type { Service } from "../../common/service.ts";
import { EXAMPLE_FILE, exampleOnCard } from "../answers/example.ts";
import { BOOT_LABEL } from "../disk/layout.ts";
import { PROJECT, SERVICES } from "../host/paths.ts";
import { overlayDirs } from "../profile/directories.ts";
import { loadCommunity, type ResolvedProfile, resolveProfile } from "../profile/index.ts";
import { catalogueOf, withServices } from "../services/source.ts";
import { type Bundle, bundleFirstboot } from "./bundle.ts";
import type { OverlayFile } from "./template.ts";
import { finishFile } from "./template.ts";

export interface Plan {
  readonly profile: ResolvedProfile;
  readonly community: ReturnType<typeof loadCommunity>;
  readonly version: string;
  readonly bundle: Bundle;
  /** Every file of the profile's overlays, in the order in which they are laid. */
  readonly overlays: readonly OverlayFile[];
  /** Files of the overlays for the FAT partition. */
  readonly bootFiles: readonly OverlayFile[];
  /** The example answers file, for CBOX-BOOT. */
  readonly example: string;
  /** Rendered files that packages read while they are installed, by path on the box. */
  readonly before: Readonly<Record<string, string>>;
  /** live-build hooks of the overlays, in the order of their names. */
  readonly hooks: readonly OverlayFile[];
  /** The catalogue of services as the box reads it, checked. */
  readonly catalogue: readonly Service[];
}

export async function resolve(
  profileId: string,
  options: { profiles?: string | undefined; community: string },
): Promise<Plan> {
  const asWritten = resolveProfile(profileId, { dir: options.profiles });
  const catalogue = catalogueOf(asWritten, readCatalogue(SERVICES));
  const profile = withServices(asWritten, catalogue);
  const community = loadCommunity(options.community);
  const { version } = JSON.parse(await readFile(join(PROJECT, "package.json"), "utf8")) as {
    version: string;
  };
  const overlays: OverlayFile[] = [];
  const bootFiles: OverlayFile[] = [];
  const before: Record<string, string> = {};
  const hooks: OverlayFile[] = [];
  for (const overlay of profile.overlays) {
    const top = overlayDirs()
      .map((dir) => join(dir, overlay))
      .find((dir) => existsSync(dir))!;
    overlays.push(...(await filesBelow(join(top, "files"))));
    bootFiles.push(...(await filesBelow(join(top, "boot"))));
    for (const file of await filesBelow(join(top, "before"))) {
      const { path, content } = await finishFile(file, { profile, community, version });
      before[path] = content.toString();
    }
    hooks.push(
      ...(await filesBelow(join(top, "hooks"))).filter((file) => file.target.endsWith(".hook.chroot")),
    );
  }
  hooks.sort((a, b) => (a.target < b.target ? -1 : 1));
  return {
    profile,
    community,
    version,
    overlays,
    bootFiles,
    before,
    hooks,
    catalogue,
    bundle: await bundleFirstboot(),
    example: exampleOnCard(profile),
  };
}

/** The part of the plan that is laid over the root file system, as plain data to hash. */
export function customizeInputs(plan: Plan): Record<string, string> {
  const identity = (file: OverlayFile) => `${file.mode.toString(8)} ${file.sha256}`;
  return Object.fromEntries([
    ...plan.overlays.map((file) => [`/${file.target}`, identity(file)]),
    ...plan.bootFiles.map((file) => [`${BOOT_LABEL}:${file.target}`, identity(file)]),
    [`${BOOT_LABEL}:${EXAMPLE_FILE}`, createHash("sha256").update(plan.example).digest("hex")],
    ["first-boot bundle", plan.bundle.sha256],
    ...plan.catalogue.map((service) => [
      `service ${service.id}`,
      createHash("sha256").update(JSON.stringify(service)).digest("hex"),
    ]),
  ]);
}

async function filesBelow(top: string, directory = top): Promise<OverlayFile[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const files: OverlayFile[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const source = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(top, source)));
    else files.push(await describeFile(source, relative(top, source)));
  }
  return files;
}

async function describeFile(source: string, target: string): Promise<OverlayFile> {
  const info = await lstat(source);
  const link = info.isSymbolicLink() ? await readlink(source) : undefined;
  const content = link ?? (await readFile(source));
  const sha256 = createHash("sha256").update(content).digest("hex");
  const mode = info.mode & 0o100 ? 0o755 : 0o644;
  return { source, target, mode, sha256, ...(link === undefined ? {} : { link }) };
}
