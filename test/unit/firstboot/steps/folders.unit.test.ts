// SPDX-License-Identifier: GPL-3.0-or-later
// Every step is a folder with the same files, of which index.ts only puts the others together.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { allSteps } from "../../../../firstboot/steps/index.ts";
import { PROJECT } from "../../../../image/host/paths.ts";

const PARTS = ["questions.ts", "check.ts", "apply.ts", "verify.ts", "index.ts"];
const TEXTS = ["en", "ca", "es"].map((language) => `texts/${language}.ts`);

describe.each(allSteps.map(({ id }) => id))("the step %s", (id) => {
  const folder = join(PROJECT, "firstboot/steps", id);

  test("has its parts and its texts", () => {
    expect([...PARTS, ...TEXTS].filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  });

  test("has no text left to write", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts"),
    );
    expect(files.filter((name) => readFileSync(join(folder, name), "utf8").includes("WRITE:"))).toEqual([]);
  });

  test("has no work in index.ts", () => {
    expect(readFileSync(join(folder, "index.ts"), "utf8")).not.toMatch(
      /^(?:async )?function |\bawait\b|=> \{/m,
    );
  });
});
