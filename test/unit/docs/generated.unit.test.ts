// SPDX-License-Identifier: GPL-3.0-or-later
// Generated files are up to date; when one is not, `npm run docs` writes it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { generated } from "../../../docs/generate.ts";
import { PROJECT } from "../../../image/host/paths.ts";

it.each([...generated()])("%s is up to date with the code", (path, text) => {
  expect(readFileSync(join(PROJECT, path), "utf8")).toBe(text);
});
