// SPDX-License-Identifier: GPL-3.0-or-later
// A stage of the build: the stages it needs, the inputs of its result, and its work. Stages that do not need each
// other run in parallel.
import type { Layer, LayerInputs, LayerPlan } from "../cache/layers.ts";
import type { PackagePin } from "../debian/lock.ts";
import type { Mirror } from "../debian/mirror.ts";
import type { Packages } from "../debian/packages.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { Session } from "../host/session.ts";
import type { Manifest } from "../published/manifest.ts";
import type { PoolPlan } from "../services/pool.ts";
import type { Plan } from "./resolve.ts";
import type { Workspace } from "./workspace.ts";

/** What is known before any stage runs. */
export interface BuildJob {
  readonly session: Session;
  readonly workspace: Workspace;
  readonly plan: Plan;
  readonly packages: Packages;
  readonly mirror: Mirror;
  /** Packages of services that the image carries. */
  readonly pool: readonly PackagePin[];
  readonly services: PoolPlan["costs"];
  readonly layers: {
    /** Both absent for a conversion: the machine has a system already. */
    readonly base?: LayerPlan;
    readonly rootfs?: LayerPlan;
    /** Absent where a box is not divided into contexts. */
    readonly context?: LayerPlan;
  };
  /** All inputs of the image; `key` is their hash. */
  readonly inputs: LayerInputs;
  readonly key: string;
  /** Manifest of the image in `out`, if there is one. */
  readonly previous: Manifest | undefined;
  /** Directory for the published image. */
  readonly out: string;
  readonly isRelease: boolean;
  /** Directory of this build alone. */
  readonly work: string;
  readonly imageStore: string;
}

/** What the stages have made so far. */
export interface Made {
  tools?: DiskTools;
  base?: Layer;
  rootfs?: Layer;
  context?: Layer;
  /** Files of the FAT partition, by path; the root file system is in `work`. */
  bootFiles?: ReadonlyMap<string, Uint8Array>;
  manifest?: Manifest;
}

export interface Stage<Results extends Made> {
  /** Also the name of its log. */
  readonly name: string;
  readonly title: string;
  /** Names of the stages whose results it uses; those that are not part of the build count as done. */
  readonly needs: readonly string[];
  /** Whether it is part of this image's build; absent: it always is. */
  isPartOf?(job: BuildJob): boolean;
  /** The layer that it makes, if any. */
  layer?(job: BuildJob): LayerPlan | undefined;
  /** Does the work, and records its results in `made`. */
  run(job: BuildJob, made: Results): Promise<void>;
}

/** Runs each stage as soon as those that it needs have ended; they come before it in the list. */
export async function runStages<Results extends Made>(
  stages: readonly Stage<Results>[],
  job: BuildJob,
  made: Results,
): Promise<Results> {
  const { session } = job;
  const ended = new Map<string, Promise<void>>();
  const begin = async ({ name, title, needs, run }: Stage<Results>) => {
    await Promise.all(needs.map((need) => ended.get(need)));
    await session.stage(name, title, () => run(job, made));
  };
  await session.together(
    stages.map((stage) => () => {
      const end = begin(stage);
      ended.set(stage.name, end);
      return end;
    }),
  );
  return made;
}
