// SPDX-License-Identifier: GPL-3.0-or-later
// `manifest.json` beside every image: what was built from what, and what came out.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LayerInputs } from "../cache/layers.ts";
import type { DiskLayout } from "../disk/layout.ts";
import type { ResolvedProfile } from "../profile/index.ts";
import type { PoolPlan } from "../services/pool.ts";

export interface Manifest {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  /** ISO date of the build's epoch, not of the clock. */
  readonly created: string;
  /** Hash of everything that went in. */
  readonly inputs_key: string;
  readonly inputs: LayerInputs;
  readonly release_build: boolean;
  readonly profile: ResolvedProfile;
  readonly community: string;
  readonly image: {
    readonly file: string;
    readonly sha256: string;
    /** Bytes of the compressed image. */
    readonly size: number;
    readonly raw_sha256: string;
    /** Bytes of the disk it unpacks to. */
    readonly raw_size: number;
    /** Bytes of it that are not holes. */
    readonly raw_allocated: number;
  };
  /** The same disk for hypervisors, where the profile asks for it. */
  readonly qcow2?: { readonly file: string; readonly sha256: string; readonly size: number };
  /** Absent for a container. */
  readonly disk?: DiskLayout;
  /** name -> version and start of the SHA-256 of the .deb. */
  readonly packages: Readonly<Record<string, string>>;
  /** The .deb files inside that services are installed from, and what they take. */
  readonly pool: { readonly bytes: number; readonly packages: readonly string[] };
  /** Where the software of each service is, and what it costs in the image. */
  readonly services: PoolPlan["costs"];
  /** What differs from the committed lock file; empty when nothing does. */
  readonly lock_drift: readonly string[];
  readonly timings_seconds: Readonly<Record<string, number>>;
}

export type DiskManifest = Manifest & { readonly disk: DiskLayout };

export async function readManifest(out: string): Promise<Manifest | undefined> {
  const path = join(out, "manifest.json");
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Manifest) : undefined;
}
