// SPDX-License-Identifier: GPL-3.0-or-later
// The layers of the project, which biome.json holds: made-up imports that break them are refused, and every folder has
// its layer.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";
import { temporaryDirectory } from "../temporary.ts";

const BIOME = join(PROJECT, "node_modules/.bin/biome");

/** What the linter says about files in a project of their own with the rules of this one. */
function lint(files: Readonly<Record<string, string>>): string {
  const project = temporaryDirectory();
  copyFileSync(join(PROJECT, "biome.json"), join(project, "biome.json"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(project, dirname(path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  const { stdout, stderr } = spawnSync(BIOME, ["lint", "."], { cwd: project, encoding: "utf8" });
  return stdout + stderr;
}

const importing = (path: string) => `import { one } from "${path}";\nexport const two = one;\n`;

describe("an import is refused", () => {
  test.each([
    ["from the host side to a step", "firstboot/host/made-up.ts", "../steps/index.ts"],
    ["from a feature to the console", "firstboot/vpn/made-up.ts", "../console/pages.ts"],
    ["from a feature to the contract of a step", "firstboot/services/made-up.ts", "../setup/step.ts"],
    ["from the set-up to a console", "firstboot/setup/answers/made-up.ts", "../../console/pages.ts"],
    ["from a step to a command", "firstboot/steps/vpn/made-up.ts", "../../commands/vpn.ts"],
    ["from the texts to a step's code", "firstboot/i18n/made-up.ts", "../steps/vpn/check.ts"],
    ["from a step's texts to anything", "firstboot/steps/vpn/texts/made-up.ts", "./ca.ts"],
    ["from the box to the build", "firstboot/commands/made-up.ts", "../../image/host/paths.ts"],
    ["from what both sides use to one of them", "common/made-up.ts", "../firstboot/host/box.ts"],
    ["from the box to the tests", "firstboot/main.ts", "../test/temporary.ts"],
    ["from the cache to a stage", "image/cache/made-up.ts", "../stages/resolve.ts"],
    ["from a stage to a command", "image/stages/made-up.ts", "../commands/build.ts"],
    ["from a stage to the box", "image/stages/made-up.ts", "../../firstboot/host/paths.ts"],
    ["into the lab past its index", "image/commands/made-up.ts", "../../test/lab/lab.ts"],
    ["from the top of the build to a test", "image/made-up.ts", "../test/temporary.ts"],
  ])("%s", (_name, file, path) => {
    expect(lint({ [file]: importing(path) })).toContain("noRestrictedImports");
  });

  test("in a circle, even one of types alone", () => {
    const said = lint({
      "firstboot/vpn/one.ts": 'import type { Two } from "./two.ts";\nexport type One = Two | 1;\n',
      "firstboot/vpn/two.ts": 'import type { One } from "./one.ts";\nexport type Two = One | 2;\n',
    });
    expect(said).toContain("noImportCycles");
  });
});

describe("an import is accepted", () => {
  test.each([
    ["from a step to a feature of the same name", "firstboot/steps/vpn/made-up.ts", "../../vpn/request.ts"],
    ["of a step's texts by the catalogues", "firstboot/i18n/made-up.ts", "../steps/vpn/texts/ca.ts"],
    ["from a feature to another", "firstboot/dns/made-up.ts", "../guifi/cnml.ts"],
    ["of the lab's index by a command", "image/commands/made-up.ts", "../../test/lab/index.ts"],
    ["of what both sides use", "image/stages/made-up.ts", "../../common/fail.ts"],
  ])("%s", (_name, file, path) => {
    expect(lint({ [file]: importing(path) })).not.toContain("noRestrictedImports");
  });
});

interface Override {
  readonly includes: readonly string[];
  readonly linter: {
    readonly rules: {
      readonly style: {
        readonly noRestrictedImports: { readonly options: { readonly patterns: { group: string[] }[] } };
      };
    };
  };
}

/** Of biome.json, the uppermost first. */
function layersOf(
  top: string,
): readonly { readonly folders: readonly string[]; readonly refused: readonly string[] }[] {
  const { overrides } = JSON.parse(readFileSync(join(PROJECT, "biome.json"), "utf8")) as {
    overrides: Override[];
  };
  return overrides
    .filter(({ includes }) => includes.some((glob) => glob.startsWith(`${top}/`) && glob.endsWith("/**")))
    .map(({ includes, linter }) => ({
      folders: includes.map((glob) => glob.slice(top.length + 1, -"/**".length)),
      refused: linter.rules.style.noRestrictedImports.options.patterns.flatMap(({ group }) => group),
    }));
}

test.each(["firstboot", "image"])("each layer of %s/ refuses all folders of the layers above it", (top) => {
  const above: string[] = [];
  for (const { folders, refused } of layersOf(top)) {
    if (!refused.includes("**"))
      expect(refused, folders.join(", ")).toEqual(
        expect.arrayContaining(above.map((name) => `**/${name}/**`)),
      );
    above.push(...folders);
  }
});

test.each(["firstboot", "image"])("every folder of %s/ belongs to a layer", (top) => {
  const placed = layersOf(top).flatMap(({ folders }) => folders);
  const folders = readdirSync(join(PROJECT, top), { withFileTypes: true }).filter(
    (entry) =>
      entry.isDirectory() &&
      readdirSync(join(PROJECT, top, entry.name), { recursive: true }).some((name) =>
        String(name).endsWith(".ts"),
      ),
  );
  expect(folders.length).toBeGreaterThan(10);
  expect(folders.map(({ name }) => name).filter((name) => !placed.includes(name))).toEqual([]);
});
