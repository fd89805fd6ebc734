// SPDX-License-Identifier: GPL-3.0-or-later
// The start of the command line from a bundle, in a small project of its own: when the bundle is made, and what is run
// where it cannot be.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";
import { temporaryDirectory } from "../temporary.ts";
import { run } from "./project.ts";

const CLI = `import { text } from "./text.ts";
export async function main(words: readonly string[]): Promise<number> {
  const { place } = await import("../common/place.ts");
  console.log([text, ...words, place].join(" "));
  return 3;
}
`;

let project = "";
beforeEach(() => {
  project = temporaryDirectory();
  chmodSync(project, 0o755);
  for (const folder of ["image", "common", "node_modules"]) mkdirSync(join(project, folder));
  for (const name of readdirSync(join(PROJECT, "node_modules")))
    if (name !== ".cbox")
      symlinkSync(join(PROJECT, "node_modules", name), join(project, "node_modules", name));
  copyFileSync(join(PROJECT, "image/start.mjs"), join(project, "image/start.mjs"));
  write("package.json", '{ "type": "module" }');
  write("package-lock.json", "{}");
  write("image/cli.ts", CLI);
  write("image/text.ts", 'export const text: string = "first";');
  write("common/place.ts", "export const place: string = import.meta.url;");
});

const write = (path: string, text: string) => writeFileSync(join(project, path), text);
const kept = () => join(project, "node_modules/.cbox");
const bundles = () => readdirSync(kept()).filter((name) => name !== "start.json");
const start = (before: readonly string[] = []) =>
  run([...before, process.execPath, join(project, "image/start.mjs"), "a b", "c"]).ended;
const said = (text: string) => `${text} a b c ${pathToFileURL(join(project, "common/place.ts")).href}\n`;

describe("image/start.mjs", () => {
  it("bundles at the first start only, and passes arguments and exit code on", async () => {
    expect(await start()).toEqual({ code: 3, output: said("first") });
    const made = statSync(join(kept(), "start.json")).mtimeMs;
    expect(await start()).toEqual({ code: 3, output: said("first") });
    expect(statSync(join(kept(), "start.json")).mtimeMs).toBe(made);
    expect(bundles()).toHaveLength(1);
  });

  it.each([
    ["that the start loads", "image/text.ts", 'export const text = "second";', () => said("second")],
    ["that a command loads", "common/place.ts", 'export const place = "x";', () => "first a b c x\n"],
  ])("notices a change of a file %s", async (_name, path, text, expected) => {
    await start();
    write(path, text);
    expect((await start()).output).toBe(expected());
    expect((await start()).output).toBe(expected());
  });

  it("names the source of an error", async () => {
    write("common/place.ts", "\n\nthrow new Error('wrong');");
    const { output } = await start();
    expect(output).toContain("common/place.ts:3:");
  });

  it("names the file and line of a mistake", async () => {
    write("image/text.ts", "export const text = ;");
    const { code, output } = await start();
    expect(code).toBe(1);
    expect(output).toContain("image/text.ts:1");
  });

  it("loads the files one by one for a user who cannot write there", async () => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const { code, output } = await start(nobody);
    expect({ code, output }).toEqual({ code: 3, output: said("first") });
    expect(existsSync(kept())).toBe(false);
  });

  it("uses an existing bundle for such a user", async () => {
    await start();
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    expect(await start(nobody)).toEqual({ code: 3, output: said("first") });
  });

  it("can run several times at once", async () => {
    const ended = await Promise.all(Array.from({ length: 4 }, () => start()));
    expect(new Set(ended.map(({ output }) => output))).toEqual(new Set([said("first")]));
    expect(bundles()).toHaveLength(1);
  });
});
