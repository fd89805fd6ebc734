import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Levels, named in the file: *.unit.test.ts needs nothing; *.mocked.test.ts neither, but it puts others in the place of
// modules and is therefore loaded by itself; *.integration.test.ts needs the host's tools and root, *.boot.test.ts boots
// the real image in QEMU, and so does *.long.test.ts for a quarter of an hour each, which only `cbox test --all` runs.
// `cbox test` runs several unit and integration files side by side; those with guests run one after the other, since an
// emulated processor wants both cores.
const level = (name: string, testTimeout: number, pool: "forks" | "threads" = "forks") => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    pool,
    testTimeout,
    hookTimeout: testTimeout,
    sequence: { concurrent: false },
    // As ./cbox does: bash reads no ~/.bashrc then.
    env: { SHLVL: process.env.SHLVL === "0" ? "1" : (process.env.SHLVL ?? "1") },
  },
});

/** Integration files that take minutes, the longest first: begun last, one of them would run alone at the end. */
const LONGEST = [
  "build",
  "container-nspawn",
  "compose",
  "discovery",
  "catalogue-graphs",
  "full-disk",
  "flash",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.indexOf(basename(moduleId).split(".")[0] ?? "");
      return index < 0 ? LONGEST.length : index;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    fileParallelism: false,
    // Loading the program anew for each file takes longer than most files take. What a file changes in its process, it
    // puts back; only modules that are loaded stay. vitest reads this here, and not in a project.
    poolOptions: { forks: { isolate: false }, threads: { isolate: true } },
    sequence: { sequencer: LongestFirst },
    projects: [
      level("unit", 120_000),
      level("mocked", 120_000, "threads"),
      level("integration", 1_800_000),
      level("boot", 1_800_000),
      level("long", 1_800_000),
    ],
  },
});
