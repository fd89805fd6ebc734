import { defineConfig } from "vitest/config";

// Three levels, named in the file: *.unit.test.ts needs nothing, *.integration.test.ts needs the host's tools
// and root, *.boot.test.ts boots the real image in QEMU. Heavy files run one after the other: TCG wants both cores.
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
    projects: [level("unit", 20_000), level("integration", 900_000), level("boot", 1_200_000)],
  },
});
