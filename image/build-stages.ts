// SPDX-License-Identifier: GPL-3.0-or-later
// The stages of a build, in the order of the manual. The build runs them; `--explain` shows what they would make.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { enableForeign } from "./debian/binfmt.ts";
import { identityOf, pinsOf } from "./debian/lock.ts";
import { CONTEXT_SET, profileSet } from "./debian/package-sets.ts";
import { openDiskTools } from "./disk/tools.ts";
import { archiveOutput, diskOutput, type Output, type OutputOptions } from "./outputs/index.ts";
import { layOutPool } from "./services/pool.ts";
import { base } from "./stages/base.ts";
import { context } from "./stages/context.ts";
import { customize } from "./stages/customize.ts";
import { publish, UNVERIFIED } from "./stages/publish.ts";
import { rootfs } from "./stages/rootfs.ts";
import type { BuildJob, Made, Stage } from "./stages/stage.ts";

export interface BuildMade extends Made {
  output?: Output;
}

/** Directory of the image's root file system during the build. */
const rootOf = ({ work }: BuildJob) => join(work, "root");

export const STAGES: readonly Stage<BuildMade>[] = [
  {
    name: "tools",
    title: "tools: disk programs of the release",
    needs: [],
    async run({ session, workspace, plan, packages }, made) {
      const { root } = await workspace.tools();
      made.tools = openDiskTools(session.run, root, packages.lock.epoch);
      await enableForeign(session, plan.profile.architecture);
    },
  },
  {
    name: "base",
    title: "base: common packages (mmdebstrap)",
    needs: ["tools"],
    isPartOf: ({ layers }) => layers.base !== undefined,
    layer: ({ layers }) => layers.base,
    async run({ workspace, plan, packages }, made) {
      made.base = await base(workspace, plan, packages);
    },
  },
  {
    name: "rootfs",
    title: "rootfs: kernel, packages, hooks (live-build)",
    needs: ["base"],
    isPartOf: ({ layers }) => layers.rootfs !== undefined,
    layer: ({ layers }) => layers.rootfs,
    async run({ workspace, plan, packages }, made) {
      made.rootfs = await rootfs(workspace, plan, packages, resultOf(made, "base"));
    },
  },
  {
    name: "context",
    title: "context: the template of contexts and slivers",
    needs: ["tools"],
    isPartOf: ({ layers }) => layers.context !== undefined,
    layer: ({ layers }) => layers.context,
    async run({ workspace, plan, packages, mirror }, made) {
      made.context = await context(workspace, plan, packages, mirror, resultOf(made, "tools"));
    },
  },
  {
    name: "customize",
    title: "customize: overlays, first boot, identity out",
    needs: ["rootfs", "context"],
    async run(job, made) {
      const { session, plan, packages, pool, mirror } = job;
      const { epoch } = packages.lock;
      made.bootFiles = await customize(session, {
        plan,
        ...(made.rootfs ? { layer: made.rootfs } : {}),
        ...(made.context ? { context: made.context } : {}),
        pool: (target) => layOutPool(packages, pool, target, epoch),
        mirror,
        epoch,
        target: rootOf(job),
      });
    },
  },
  {
    name: "disk",
    title: "disk: file systems and boot loaders",
    needs: ["tools", "customize"],
    isPartOf: ({ plan }) => plan.profile.form === "disk",
    async run(job, made) {
      made.output = await diskOutput(outputOptions(job, made));
    },
  },
  {
    name: "publish",
    title: "publish: pack, SBOM, checksums",
    needs: ["tools", "customize", "disk"],
    async run(job, made) {
      made.output ??= archiveOutput(outputOptions(job, made));
      const { session, plan, packages, pool, services, out, isRelease: release, inputs } = job;
      const own = profileSet(plan.profile.id);
      made.manifest = await publish(session, {
        ...{ plan, pool, services, out, release, inputs, epoch: packages.lock.epoch, drift: packages.drift },
        pack: made.output.pack,
        ...(made.rootfs ? { root: rootOf(job) } : { brought: pinsOf(packages.lock, own) }),
        ...(made.context ? { context: made.context.root } : {}),
        packages: {
          ...identityOf(pool),
          ...(made.context ? packages.identity(CONTEXT_SET) : {}),
          ...packages.identity(own),
        },
      });
    },
  },
  {
    name: "verify",
    title: "verify: the finished image, opened again",
    needs: ["publish"],
    async run({ out }, made) {
      const [output, manifest] = [resultOf(made, "output"), resultOf(made, "manifest")];
      try {
        await output.verify(manifest, join(out, manifest.image.file));
      } catch (error) {
        // An image that failed verification is removed, so that it is not taken for a good one.
        const files = [manifest.image, manifest.qcow2].flatMap((one) => (one ? [join(out, one.file)] : []));
        for (const file of [join(out, UNVERIFIED), ...files, ...output.leftovers(manifest)])
          await rm(file, { force: true });
        throw error;
      }
      await rename(join(out, UNVERIFIED), join(out, "manifest.json"));
    },
  },
];

function outputOptions(job: BuildJob, made: BuildMade): OutputOptions {
  const { session, plan, packages, work, imageStore, key: seed } = job;
  const [tools, bootFiles] = [resultOf(made, "tools"), resultOf(made, "bootFiles")];
  const { epoch } = packages.lock;
  return { session, plan, packages, tools, bootFiles, root: rootOf(job), work, imageStore, seed, epoch };
}

/** The result of an earlier stage. */
function resultOf<Key extends keyof BuildMade>(made: BuildMade, key: Key): NonNullable<BuildMade[Key]> {
  const value = made[key];
  if (value === undefined)
    throw new Error(`A stage uses ${key} and does not say that it needs the one that makes it.`);
  return value;
}
