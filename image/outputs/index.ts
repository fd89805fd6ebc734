// SPDX-License-Identifier: GPL-3.0-or-later
// The forms of an image: a disk that a machine starts from, the archive of a container, and a file that converts a
// machine. Each defines how it is packed and how the result is checked.
import { join } from "node:path";
import { rawImage } from "../cache/images.ts";
import type { Packages } from "../debian/packages.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { Session } from "../host/session.ts";
import type { DiskManifest, Manifest } from "../published/manifest.ts";
import { disk } from "../stages/disk.ts";
import { diskPacker, type Packer } from "../stages/publish.ts";
import type { Plan } from "../stages/resolve.ts";
import { verify } from "../stages/verify.ts";
import { containerPacker, verifyContainer } from "./container.ts";
import { conversionPacker, verifyConversion } from "./conversion.ts";

export interface Output {
  readonly pack: Packer;
  /** @throws Failure `image-invalid` */
  verify(manifest: Manifest, packed: string): Promise<void>;
  /** Unpublished files to remove when verification fails. */
  leftovers(manifest: Manifest): readonly string[];
}

export interface OutputOptions {
  readonly session: Session;
  readonly plan: Plan;
  readonly tools: DiskTools;
  /** The customized root file system. */
  readonly root: string;
  readonly bootFiles: ReadonlyMap<string, Uint8Array>;
  /** Directory of this build. */
  readonly work: string;
  readonly imageStore: string;
  /** Names the image; identifiers follow from it. */
  readonly seed: string;
  readonly epoch: number;
  readonly packages: Packages;
}

/** Forms that need no disk: the archive of a container, or the package that converts a machine. */
export function archiveOutput(options: OutputOptions): Output {
  return options.plan.profile.form === "container" ? containerOutput(options) : conversionOutput(options);
}

/** Makes the disk. */
export async function diskOutput(options: OutputOptions): Promise<Output> {
  const { session, plan, tools, root, bootFiles, work, imageStore, seed } = options;
  const image = join(work, "disk.img");
  const layout = await disk(session, { plan, tools, root, bootFiles, image, seed });
  return {
    pack: diskPacker({
      ...{ session, tools, image, imageStore, layout },
      qcow2: plan.profile.outputs.includes("qcow2"),
    }),
    verify: (manifest, packed) =>
      verify(session, {
        tools,
        manifest: manifest as DiskManifest,
        packed,
        raw: rawImage(imageStore, manifest.image.raw_sha256),
        scratch: join(work, "verify"),
      }),
    leftovers: ({ image: { raw_sha256 } }) => [rawImage(imageStore, raw_sha256)],
  };
}

function containerOutput({ session, plan, root, work, epoch }: OutputOptions): Output {
  const scratch = join(work, "container");
  return {
    pack: containerPacker({ session, profile: plan.profile, root, epoch, scratch }),
    verify: (manifest, packed) => verifyContainer({ session, manifest, packed, scratch }),
    leftovers: () => [],
  };
}

function conversionOutput({
  session,
  plan,
  root,
  work,
  seed: revision,
  epoch,
  packages,
}: OutputOptions): Output {
  const scratch = join(work, "conversion");
  return {
    pack: conversionPacker({ session, plan, root, packages, revision, epoch, scratch }),
    verify: (manifest, packed) => verifyConversion({ session, manifest, packed, scratch }),
    leftovers: () => [],
  };
}
