// SPDX-License-Identifier: GPL-3.0-or-later
// An image of vm-amd64 as the build's own stages make it, of a root file system that holds next to nothing: for tests that
// write images and do not start them. Needs the tools layer and the published image, whose manifest it continues.
import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXAMPLE_FILE, exampleOnCard } from "../../image/answers/example.ts";
import { listsFile } from "../../image/answers/lists.ts";
import { rawImage } from "../../image/cache/images.ts";
import { openDiskTools } from "../../image/disk/tools.ts";
import { PROFILES } from "../../image/host/paths.ts";
import { createSession } from "../../image/host/session.ts";
import { sha256 } from "../../image/host/sha256.ts";
import type { DiskManifest } from "../../image/published/manifest.ts";
import { disk } from "../../image/stages/disk.ts";
import { diskPacker } from "../../image/stages/publish.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { builtImage } from "./project.ts";

export interface SmallImage {
  /** The folder, as `./cbox build` leaves it, without the disk for hypervisors and the SBOM. */
  readonly out: string;
  readonly manifest: DiskManifest;
  readonly raw: string;
  readonly packed: string;
}

/** @param directory for this alone; what it needs besides the image stays there, too */
export async function smallImage(directory: string): Promise<SmallImage> {
  const full = await builtImage("vm-amd64");
  const session = createSession({ logDirectory: join(directory, "log") });
  const tools = openDiskTools(session.run, (await openWorkspace({ session }).tools()).root, 1_700_000_000);
  const resolved = await resolve("vm-amd64", { profiles: PROFILES, community: "guifi" });
  const { profile } = resolved;
  const plan = { ...resolved, profile: { ...profile, disk: { ...profile.disk, root_slack_mib: 96 } } };
  const root = join(directory, "root");
  const out = join(directory, "out");
  const imageStore = join(directory, "images");
  await mkdir(join(root, "etc"), { recursive: true });
  await writeFile(join(root, "etc/hostname"), "box\n");
  await mkdir(out);

  const image = join(directory, "disk.img");
  const bootFiles = new Map([[EXAMPLE_FILE, Buffer.from(exampleOnCard(profile))]]);
  const layout = await disk(session, { plan, tools, root, bootFiles, image, seed: "small" });
  const { name } = full.manifest;
  const pack = diskPacker({ session, tools, image, layout, imageStore, qcow2: false });
  const { file, ...facts } = await pack({ staged: out, name, level: "development" });
  const packed = join(out, file);
  const { qcow2: _, ...about } = full.manifest;
  const { raw_sha256, raw_size, raw_allocated } = facts;
  const size = (await stat(packed)).size;
  const manifest: DiskManifest = {
    ...about,
    image: { file, sha256: await sha256(packed), size, raw_sha256, raw_size, raw_allocated },
    disk: layout,
  };
  await writeFile(join(out, "manifest.json"), JSON.stringify(manifest));
  await copyFile(join(dirname(full.packed), listsFile(name)), join(out, listsFile(name)));
  const sums = (await readdir(out)).map(async (each) => `${await sha256(join(out, each))}  ${each}\n`);
  await writeFile(join(out, "SHA256SUMS"), (await Promise.all(sums)).join(""));
  return { out, manifest, raw: rawImage(imageStore, raw_sha256), packed };
}
