// SPDX-License-Identifier: GPL-3.0-or-later
// Bundles firstboot/ into the program that the image's Node.js runs and a separate file with the password
// dictionaries, and lists the npm packages in them.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { fail } from "../../common/fail.ts";
import { PROJECT } from "../host/paths.ts";

export interface Bundle {
  /** The program comes first. */
  readonly files: readonly { readonly name: string; readonly code: Uint8Array }[];
  readonly sha256: string;
  /** npm packages inside, for the SBOM. */
  readonly packages: readonly NpmPackage[];
}

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** A file of its own, loaded on demand: it is larger than the rest together, and few commands need it. */
const PASSWORDS = "passwords.mjs";

const passwordsBeside: Plugin = {
  name: "passwords-beside",
  setup: (build) =>
    build.onResolve({ filter: /\/passwords\/estimate\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: `./${PASSWORDS}`, external: true } : undefined,
    ),
};

/** On the box the catalogue is read from its packed file, never from the folders of the project. */
const catalogueIsPacked: Plugin = {
  name: "catalogue-is-packed",
  setup: (build) =>
    build.onResolve({ filter: /\/common\/catalogue\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./catalogue.mjs", external: true } : undefined,
    ),
};

export async function bundleFirstboot(): Promise<Bundle> {
  const result = await build({
    absWorkingDir: PROJECT,
    entryPoints: { cbox: "firstboot/main.ts", passwords: "firstboot/passwords/estimate.ts" },
    outdir: PROJECT,
    outExtension: { ".js": ".mjs" },
    plugins: [passwordsBeside, catalogueIsPacked],
    bundle: true,
    platform: "node",
    // The Node.js of the oldest release that a profile may name, Debian 12. This limits the syntax; tsconfig.json's
    // "lib" limits the library functions.
    target: "node18",
    format: "esm",
    minify: true,
    keepNames: true,
    legalComments: "eof",
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
  const files = result.outputFiles.map(({ path, contents }) => ({ name: basename(path), code: contents }));
  const sum = createHash("sha256");
  for (const { name, code } of files) sum.update(`${name} ${code.length}\n`).update(code);
  const names = new Set<string>();
  for (const input of Object.keys(result.metafile.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name) names.add(name);
  }
  const packages = await Promise.all([...names].sort().map(describePackage));
  return { files, sha256: sum.digest("hex"), packages };
}

async function describePackage(name: string): Promise<NpmPackage> {
  const file = await readFile(join(PROJECT, "node_modules", name, "package.json"), "utf8");
  const { version, license } = JSON.parse(file) as { version: string; license?: string };
  return { name, version, license: license ?? "NOASSERTION" };
}
