// SPDX-License-Identifier: GPL-3.0-or-later
// Starts the command line, image/cli.ts. Loading some hundred TypeScript files takes longer than most commands do, so they
// are bundled once, into node_modules/.cbox, and again when one of them has changed. Where that folder cannot be
// written, the files are loaded one by one. Plain JavaScript, since nothing has been translated yet.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const KEPT = join(PROJECT, "node_modules/.cbox");
/** Where the newest bundle is, and of which files, with their sizes and times, it was made. */
const RECORD = join(KEPT, "start.json");
/** A bundle that a running command may still load a part of. */
const DAY_MS = 24 * 60 * 60 * 1000;

// What an error is reported with names the source.
process.setSourceMapsEnabled(true);
const { main } = await import((await bundled()) ?? (await fromSource()));
process.exit(await main(process.argv.slice(2)));

/** @returns {Promise<string | undefined>} URL of the bundle, made if need be; nothing where it cannot be kept */
async function bundled() {
  const known = recorded();
  if (known) return known;
  try {
    mkdirSync(KEPT, { recursive: true });
    return await bundle();
  } catch (error) {
    // A mistake in a source file is told by loading it; a folder of another person's is none.
    if (["EACCES", "EPERM", "EROFS", "ENOSPC"].includes(error.code) || error.errors) return undefined;
    throw error;
  }
}

function recorded() {
  try {
    const { project, entry, inputs } = JSON.parse(readFileSync(RECORD, "utf8"));
    if (project !== PROJECT || inputs.some(([path, state]) => stateOf(path) !== state)) return undefined;
    statSync(join(KEPT, entry));
    return pathToFileURL(join(KEPT, entry)).href;
  } catch {
    return undefined;
  }
}

/** @param {string} path in the project */
function stateOf(path) {
  const { size, mtimeMs } = statSync(join(PROJECT, path));
  return `${size} ${mtimeMs}`;
}

async function bundle() {
  const { build } = await import("esbuild");
  // Before they are read: what changes meanwhile makes the next start bundle again.
  const states = new Map();
  const { outputFiles, metafile } = await build({
    absWorkingDir: PROJECT,
    entryPoints: { start: "image/cli.ts" },
    outdir: KEPT,
    outExtension: { ".js": ".mjs" },
    plugins: [placesOf(states)],
    bundle: true,
    splitting: true,
    platform: "node",
    target: `node${process.versions.node}`,
    format: "esm",
    keepNames: true,
    sourcemap: "linked",
    // It finds its own program by where it lies.
    external: ["esbuild"],
    // Some packages are CommonJS and call require() for Node's own modules.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const inputs = [...Object.keys(metafile.inputs), "package-lock.json", "image/start.mjs"].map((path) => [
    path,
    states.get(path) ?? stateOf(path),
  ]);
  const sum = createHash("sha256").update(PROJECT);
  for (const { path, contents } of outputFiles) sum.update(path).update(contents);
  const name = sum.digest("hex").slice(0, 16);
  const folder = join(KEPT, name);
  const fresh = `${folder}.${process.pid}`;
  for (const { path, contents } of outputFiles) {
    const file = join(fresh, path.slice(KEPT.length + 1));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  try {
    renameSync(fresh, folder);
  } catch {
    // The same bundle is there already, by a command that was started at the same time, or before a change was undone.
    rmSync(fresh, { recursive: true });
  }
  const record = { project: PROJECT, entry: `${name}/start.mjs`, inputs };
  writeFileSync(`${RECORD}.${process.pid}`, JSON.stringify(record));
  renameSync(`${RECORD}.${process.pid}`, RECORD);
  for (const other of readdirSync(KEPT)) {
    const isOld = Date.now() - statSync(join(KEPT, other), { throwIfNoEntry: false })?.mtimeMs > DAY_MS;
    if (isOld && other !== name && join(KEPT, other) !== RECORD)
      rmSync(join(KEPT, other), { recursive: true, force: true });
  }
  return pathToFileURL(join(folder, "start.mjs")).href;
}

/** Files find others beside themselves by import.meta.url, which stays that of the source. */
function placesOf(states) {
  return {
    name: "places",
    setup: (build) =>
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!path.startsWith(join(PROJECT, "/")) || path.includes("/node_modules/")) return undefined;
        states.set(path.slice(PROJECT.length + 1), stateOf(path.slice(PROJECT.length + 1)));
        const text = readFileSync(path, "utf8");
        return {
          contents: text.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)),
          loader: "ts",
        };
      }),
  };
}

/** Each file is translated when it is loaded. */
async function fromSource() {
  const { register } = await import("tsx/esm/api");
  register();
  return new URL("cli.ts", import.meta.url).href;
}
