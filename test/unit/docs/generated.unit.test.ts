// SPDX-License-Identifier: GPL-3.0-or-later
// Generated files are up to date; when one is not, `npm run docs` writes it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { generated } from "../../../docs/generate.ts";
import { PROJECT } from "../../../image/host/paths.ts";

it("the pages of boxes are those of the profiles, and no other", () => {
  const pages = [...generated().keys()].filter((path) => path.startsWith("docs/boxes/"));
  const found = readdirSync(join(PROJECT, "docs/boxes")).map((name) => `docs/boxes/${name}`);
  expect(found.sort()).toEqual(pages.sort());
});

it.each([...generated()])("%s is up to date with the code", (path, text) => {
  expect(readFileSync(join(PROJECT, path), "utf8")).toBe(text);
});
