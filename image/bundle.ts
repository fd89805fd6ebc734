// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles firstboot/ to the one file that the image's own Node runs, and says what npm packages went into it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { fail } from "../common/fail.ts";
import { PROJECT } from "./paths.ts";

export interface Bundle {
  readonly code: Uint8Array;
  readonly sha256: string;
  /** npm packages inside, for the SBOM. */
  readonly packages: readonly NpmPackage[];
}

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

export async function bundleFirstboot(): Promise<Bundle> {
  const result = await build({
    absWorkingDir: PROJECT,
    entryPoints: ["firstboot/main.ts"],
    bundle: true,
    platform: "node",
    // Of the oldest release that a profile may name: Debian 12. This is about syntax; tsconfig.json's "lib" keeps out
    // what its Node.js lacks besides.
    target: "node18",
    format: "esm",
    minify: true,
    keepNames: true,
    legalComments: "none",
    // Some packages are CommonJS and call require() for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    metafile: true,
    write: false,
    logLevel: "silent",
  }).catch((error: Error) =>
    fail({
      code: "bundle-failed",
      what: "The first-boot program does not bundle.",
      found: error.message.split("\n").slice(0, 3).join(" | "),
      hint: "npm run typecheck",
    }),
  );
  const code = result.outputFiles[0]!.contents;
  const names = new Set<string>();
  for (const input of Object.keys(result.metafile.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name) names.add(name);
  }
  const packages = await Promise.all([...names].sort().map(describePackage));
  return { code, sha256: createHash("sha256").update(code).digest("hex"), packages };
}

async function describePackage(name: string): Promise<NpmPackage> {
  const file = await readFile(join(PROJECT, "node_modules", name, "package.json"), "utf8");
  const { version, license } = JSON.parse(file) as { version: string; license?: string };
  return { name, version, license: license ?? "NOASSERTION" };
}
