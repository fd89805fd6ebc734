// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "publish": the disk becomes what a person downloads: compressed image, block map, manifest, SBOM,
// checksums and, with a key, a detached signature. Files appear under their names when they are complete.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { PackagePin } from "../debian/lock.ts";
import type { DiskLayout } from "../disk-layout.ts";
import type { DiskTools } from "../disk-tools.ts";
import { type LayerInputs, layerKey } from "../layers.ts";
import type { Manifest } from "../manifest.ts";
import { makeSbom, parseDpkgStatus, withoutRepeats } from "../sbom.ts";
import type { Session } from "../session.ts";
import { CONTEXT_STATUS } from "./context.ts";
import type { Plan } from "./resolve.ts";

/** zstd levels: 3 packs 500 MB in seconds; 19 takes minutes and saves about a fifth. */
const LEVEL = { development: 3, release: 19 } as const;

/** A compressed disk for hypervisors; QEMU 5.1 and newer read it. */
const QCOW2 = ["qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=zstd", "-f", "raw"];

export interface PublishOptions {
  readonly tools: DiskTools;
  readonly plan: Plan;
  /** The raw image; renamed into `imageStore` by its hash. */
  readonly image: string;
  readonly imageStore: string;
  /** The dressed root, for its package list. */
  readonly root: string;
  /** The layer of the template of contexts, for its package list. */
  readonly context: string;
  readonly layout: DiskLayout;
  readonly out: string;
  readonly release: boolean;
  /** Everything that went in. */
  readonly inputs: LayerInputs;
  readonly epoch: number;
  readonly packages: Readonly<Record<string, string>>;
  readonly drift: readonly string[];
  /** The .deb files that services are installed from. */
  readonly pool: readonly PackagePin[];
}

/** Name of the manifest until the image has passed "verify"; a build that ends before leaves no good image behind. */
export const UNVERIFIED = "manifest.json.unverified";

/** Raw images kept in the cache, for `cbox boot` and the tests. */
const KEEP = 3;

export async function publish(session: Session, options: PublishOptions): Promise<Manifest> {
  const { plan, image, out, layout, release } = options;
  const { profile, version } = plan;
  const name = `community-box-${version}-${profile.id}`;
  await mkdir(out, { recursive: true });
  const created = new Date(options.epoch * 1000).toISOString().replace(".000", "");

  const staged = await mkdtemp(join(out, ".publish-"));
  try {
    const level = release ? LEVEL.release : LEVEL.development;
    const packed = join(staged, `${name}.img.zst`);
    const qcow2 = profile.outputs.includes("qcow2") ? join(staged, `${name}.qcow2`) : undefined;
    const [rawSha256] = await Promise.all([
      sha256(image),
      options.tools.tool("zstd", ["-q", "-T0", `-${level}`, image, "-o", packed]),
      session.run(["bmaptool", "create", "-o", join(staged, `${name}.bmap`), image]),
      qcow2 && session.run([...QCOW2, image, qcow2]),
    ]);
    await mkdir(options.imageStore, { recursive: true });
    const stored = join(options.imageStore, `${rawSha256}.img`);
    await rename(image, stored);
    await forgetOldImages(options.imageStore);

    const status = await readFile(join(options.root, "var/lib/dpkg/status"), "utf8");
    const inside = await readFile(join(options.context, CONTEXT_STATUS), "utf8");
    const sbom = makeSbom({
      name,
      version,
      release: profile.release,
      imageSha256: rawSha256,
      imageFile: `${name}.img`,
      created,
      debian: withoutRepeats([
        ...parseDpkgStatus(status),
        ...parseDpkgStatus(inside),
        ...options.pool.map((pin) => ({ ...pin, source: pin.name })),
      ]),
      npm: plan.bundle.packages,
    });
    await writeFile(join(staged, `${name}.spdx.json`), `${JSON.stringify(sbom, null, 1)}\n`);

    const allocated = (await stat(stored)).blocks * 512;
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
        ...(await published(packed)),
        raw_sha256: rawSha256,
        raw_size: layout.size,
        raw_allocated: allocated,
      },
      ...(qcow2 ? { qcow2: await published(qcow2) } : {}),
      disk: layout,
      packages: options.packages,
      pool: {
        bytes: options.pool.reduce((sum, { size }) => sum + size, 0),
        packages: options.pool.map(({ name }) => name),
      },
      lock_drift: options.drift,
      timings_seconds: Object.fromEntries(
        [...session.timings].map(([stage, time]) => [stage, Number(time.toFixed(1))]),
      ),
    };
    await writeFile(join(staged, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

    const files = (await readdir(staged)).sort();
    const sums = await Promise.all(
      files.map(async (file) => `${await sha256(join(staged, file))}  ${file}\n`),
    );
    await writeFile(join(staged, "SHA256SUMS"), sums.join(""));

    // The manifest last: it says that the rest is there.
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

async function published(path: string) {
  return { file: basename(path), sha256: await sha256(path), size: (await stat(path)).size };
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

async function forgetOldImages(store: string): Promise<void> {
  const names = (await readdir(store)).filter((name) => name.endsWith(".img"));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(store, name))).mtimeMs })),
  );
  const old = dated.sort((a, b) => b.time - a.time).slice(KEEP);
  for (const { name } of old) await rm(join(store, name));
}
