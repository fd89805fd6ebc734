// SPDX-License-Identifier: GPL-3.0-or-later
// A root file system such as a context starts with, and the packages of services beside it, for tests that install and
// run services in it.
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir } from "../../image/cache/directory.ts";
import { mmdebstrap } from "../../image/debian/mmdebstrap.ts";
import { CONTEXT_SET } from "../../image/debian/package-sets.ts";
import { createSession } from "../../image/host/session.ts";
import { layOutPool, poolPins, SERVICES_SETS } from "../../image/services/pool.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";

/** Makes it anew; returns its path. The caller removes it. */
export async function serviceRoot(name: string): Promise<string> {
  const session = createSession({ logDirectory: join(cacheDir(), "log", name) });
  const workspace = openWorkspace({ session });
  const sets = [...Object.values(SERVICES_SETS), CONTEXT_SET];
  const packages = await workspace.packages("trixie", "amd64", sets);
  const { lock } = packages;
  const inputs = { format: 1, packages: packages.identity(CONTEXT_SET) };
  const layer = await workspace.layers.obtain("services-test", inputs, async (target) => {
    const repository = `${target}.repository`;
    await packages.repository(CONTEXT_SET, repository);
    await mmdebstrap({
      ...{ session, repository, target, release: "trixie", architecture: "amd64", variant: "apt" as const },
      packages: (lock.sets[CONTEXT_SET]?.request ?? []).filter((each) => !each.startsWith("?")),
      epoch: lock.epoch,
    });
    rmSync(repository, { recursive: true });
  });
  const root = join(cacheDir(), "work", name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(dirname(root), { recursive: true });
  await session.run(["cp", "--archive", layer.root, root]);
  // This root has less than a host: the packages of its services need more.
  await layOutPool(packages, poolPins(packages, CONTEXT_SET, CONTEXT_SET), root, lock.epoch);
  return root;
}
