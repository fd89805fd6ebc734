// SPDX-License-Identifier: GPL-3.0-or-later
// Hashes the code that makes a layer or an image, as one of its inputs: when the code changes, the layer or image is
// made again.
import { createHash } from "node:crypto";
import { buildSync } from "esbuild";
import { PROJECT } from "../host/paths.ts";

const known = new Map<string, string>();

/**
 * SHA-256 in hexadecimal of what each module runs, its own code and what that uses of other modules of the project,
 * without comments and layout. Keys are the paths asked for, relative to the project. The version of a package of npm is
 * not part of it: what such a package writes into an image is bundled, and the bundle is an input of its own.
 */
export function codeOf(...modules: string[]): Record<string, string> {
  return Object.fromEntries(modules.map((path) => [path, known.get(path) ?? hash(path)]));
}

function hash(path: string): string {
  const { outputFiles } = buildSync({
    absWorkingDir: PROJECT,
    entryPoints: [path],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "silent",
    write: false,
  });
  const sum = createHash("sha256");
  for (const file of outputFiles) sum.update(file.contents);
  const digest = sum.digest("hex");
  known.set(path, digest);
  return digest;
}
