// SPDX-License-Identifier: GPL-3.0-or-later
// A server of the lab that is written in TypeScript: bundled to the one file that the lab's own Node runs.
import { build } from "esbuild";
import { PROJECT } from "../../image/host/paths.ts";

/** Within one process the source does not change. */
const bundled = new Map<string, Promise<string>>();

/** @param entry path in the project, such as test/lab/programs/hello.ts */
export function bundleProgram(entry: string): Promise<string> {
  const known = bundled.get(entry);
  if (known) return known;
  const text = bundle(entry);
  bundled.set(entry, text);
  return text;
}

async function bundle(entry: string): Promise<string> {
  const result = await build({
    absWorkingDir: PROJECT,
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    write: false,
    logLevel: "silent",
  });
  return result.outputFiles[0]!.text;
}
