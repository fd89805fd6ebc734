// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "publish": makes the files that a person downloads: packed image, manifest, SBOM, checksums and, with a key,
// a detached signature. Files get their final names when they are complete.

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { listsFile, listsOf } from "../answers/lists.ts";
import { forgetOldImages, rawImage } from "../cache/images.ts";
import { type LayerInputs, layerKey } from "../cache/layers.ts";
import type { PackagePin } from "../debian/lock.ts";
import type { DiskLayout } from "../disk/layout.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { Session } from "../host/session.ts";
import { sha256 } from "../host/sha256.ts";
import type { Manifest } from "../published/manifest.ts";
import type { PoolPlan } from "../services/pool.ts";
import { CONTEXT_STATUS } from "./context.ts";
import type { Plan } from "./resolve.ts";
import { makeSbom, parseDpkgStatus, withoutRepeats } from "./sbom.ts";

/** zstd levels: 3 packs 500 MB in seconds; 19 takes minutes and saves about a fifth. */
const LEVEL = { development: 3, release: 19 } as const;

/** Packs the image into files in the directory `staged`, named after `name`. */
export type Packer = (target: {
  readonly staged: string;
  readonly name: string;
  readonly level: keyof typeof LEVEL;
}) => Promise<PackedImage>;

export interface PackedImage
  extends Pick<Manifest["image"], "file" | "raw_sha256" | "raw_size" | "raw_allocated"> {
  readonly disk?: DiskLayout;
  /** Name of the file with the same disk for hypervisors. */
  readonly qcow2?: string;
}

/** A compressed disk for hypervisors; QEMU 5.1 and newer read it. */
const QCOW2 = ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", "-f", "raw"];

export interface PublishOptions {
  readonly plan: Plan;
  readonly pack: Packer;
  /** The customized root, for its package list; absent for a conversion, which has no system. */
  readonly root?: string;
  /** The layer of the template of contexts, for its package list. */
  readonly context?: string;
  readonly out: string;
  readonly release: boolean;
  /** All inputs of the build. */
  readonly inputs: LayerInputs;
  readonly epoch: number;
  readonly packages: Readonly<Record<string, string>>;
  readonly drift: readonly string[];
  /** The .deb files that services are installed from. */
  readonly pool: readonly PackagePin[];
  /** What each service needs of them. */
  readonly services: PoolPlan["costs"];
  /** The .deb files that a conversion installs on the machine itself. */
  readonly brought?: readonly PackagePin[];
}

/** Name of the manifest until the image has passed "verify": an unverified image is not taken for a good one. */
export const UNVERIFIED = "manifest.json.unverified";

export async function publish(session: Session, options: PublishOptions): Promise<Manifest> {
  const { plan, out, release } = options;
  const { profile, version } = plan;
  const name = `community-box-${version}-${profile.id}`;
  await mkdir(out, { recursive: true });
  const created = new Date(options.epoch * 1000).toISOString().replace(".000", "");

  const staged = await mkdtemp(join(out, ".publish-"));
  try {
    const { disk, qcow2, ...image } = await options.pack({
      staged,
      name,
      level: release ? "release" : "development",
    });
    // Half a gigabyte each: hashed once, for the manifest and for SHA256SUMS.
    const [packed, forHypervisors] = await Promise.all([
      published(join(staged, image.file)),
      qcow2 ? published(join(staged, qcow2)) : undefined,
    ]);

    const status = options.root ? await readFile(join(options.root, "var/lib/dpkg/status"), "utf8") : "";
    const inside = options.context ? await readFile(join(options.context, CONTEXT_STATUS), "utf8") : "";
    const sbom = makeSbom({
      name,
      version,
      release: profile.release,
      imageSha256: image.raw_sha256,
      imageFile: image.file.replace(/\.(zst|xz)$/, ""),
      created,
      debian: withoutRepeats([
        ...parseDpkgStatus(status),
        ...parseDpkgStatus(inside),
        ...[...options.pool, ...(options.brought ?? [])].map((pin) => ({ ...pin, source: pin.name })),
      ]),
      npm: plan.bundle.packages,
    });
    await writeFile(join(staged, `${name}.spdx.json`), `${JSON.stringify(sbom, null, 1)}\n`);

    if (options.root) {
      const lists = await listsOf(options.root);
      await writeFile(join(staged, listsFile(name)), `${JSON.stringify(lists, null, 1)}\n`);
    }

    const manifest: Manifest = {
      format: 1,
      name,
      version,
      created,
      inputs_key: layerKey(options.inputs),
      inputs: options.inputs,
      release_build: release,
      profile,
      community: plan.community.id,
      image: {
        ...packed,
        raw_sha256: image.raw_sha256,
        raw_size: image.raw_size,
        raw_allocated: image.raw_allocated,
      },
      ...(forHypervisors ? { qcow2: forHypervisors } : {}),
      ...(disk ? { disk } : {}),
      packages: options.packages,
      pool: {
        bytes: options.pool.reduce((sum, { size }) => sum + size, 0),
        packages: options.pool.map(({ name }) => name),
      },
      services: options.services,
      lock_drift: options.drift,
      timings_seconds: Object.fromEntries(
        [...session.timings].map(([stage, time]) => [stage, Number(time.toFixed(1))]),
      ),
    };
    await writeFile(join(staged, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

    const files = (await readdir(staged)).sort();
    const known = [packed, forHypervisors];
    const sums = await Promise.all(
      files.map(async (file) => {
        const summed = known.find((one) => one?.file === file);
        return `${summed?.sha256 ?? (await sha256(join(staged, file)))}  ${file}\n`;
      }),
    );
    await writeFile(join(staged, "SHA256SUMS"), sums.join(""));

    // The manifest is last: its presence means that the other files are complete.
    const all = (await readdir(staged)).sort(
      (a, b) => Number(a === "manifest.json") - Number(b === "manifest.json"),
    );
    await rm(join(out, "manifest.json"), { force: true });
    await rm(join(out, "SHA256SUMS.asc"), { force: true });
    for (const file of all) {
      await rename(join(staged, file), join(out, file === "manifest.json" ? UNVERIFIED : file));
    }
    return manifest;
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

export interface DiskToPack {
  readonly tools: DiskTools;
  readonly session: Session;
  /** The raw image; renamed into `imageStore` by its hash. */
  readonly image: string;
  readonly imageStore: string;
  readonly layout: DiskLayout;
  /** Also as a disk for hypervisors. */
  readonly qcow2: boolean;
}

/** Packs a disk with zstd, and writes the map of the blocks that hold data. */
export function diskPacker({ tools, session, image, imageStore, layout, ...also }: DiskToPack): Packer {
  return async ({ staged, name, level }) => {
    const file = `${name}.img.zst`;
    const qcow2 = also.qcow2 ? `${name}.qcow2` : undefined;
    const [rawSha256] = await Promise.all([
      sha256(image),
      tools.tool("zstd", ["-q", "-T0", `-${LEVEL[level]}`, image, "-o", join(staged, file)]),
      session.run(["bmaptool", "create", "-o", join(staged, `${name}.bmap`), image]),
      qcow2 && session.run([...QCOW2, image, join(staged, qcow2)]),
    ]);
    await mkdir(imageStore, { recursive: true });
    const stored = rawImage(imageStore, rawSha256);
    await rename(image, stored);
    await forgetOldImages(imageStore);
    const allocated = (await stat(stored)).blocks * 512;
    const raw = { raw_sha256: rawSha256, raw_size: layout.size, raw_allocated: allocated };
    return { file, ...raw, disk: layout, ...(qcow2 ? { qcow2 } : {}) };
  };
}

async function published(path: string) {
  return { file: basename(path), sha256: await sha256(path), size: (await stat(path)).size };
}
