import { defineConfig } from "vitest/config";

// Levels, named in the file: *.unit.test.ts needs nothing, *.integration.test.ts needs the host's tools and root,
// *.boot.test.ts boots the real image in QEMU, and so does *.long.test.ts for a quarter of an hour each, which only
// `cbox test --all` runs. Heavy files run one after the other: TCG wants both cores.
const level = (name: string, testTimeout: number) => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    sequence: { concurrent: false },
  },
});

export default defineConfig({
  test: {
    fileParallelism: false,
    projects: [
      level("unit", 20_000),
      level("integration", 900_000),
      level("boot", 1_200_000),
      level("long", 1_500_000),
    ],
  },
});
