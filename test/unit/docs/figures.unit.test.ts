// SPDX-License-Identifier: GPL-3.0-or-later
// What the documents tell a person to buy is the same figure everywhere.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { listProfiles, resolveProfile } from "../../../image/profile/index.ts";

const docs = join(import.meta.dirname, "../../../docs");
const pages = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".md") && !name.includes("node_modules"),
);
/** Of a card, stick or disk for a box, as it is sold. */
const ENOUGH_GB = 8;

test("all pages that state how large a card, stick or disk should be state the same size", () => {
  const said = pages.flatMap((page) =>
    [...readFileSync(join(docs, page), "utf8").matchAll(/(\d+) (Gi?B)(?: of disk|\s+or\s+more)/g)].map(
      ([, figure, unit]) => `${page}: ${figure} ${unit}`,
    ),
  );
  expect(said.length).toBeGreaterThan(10);
  expect(said.filter((each) => !each.endsWith(` ${ENOUGH_GB} GB`))).toEqual([]);
});

test("no profile needs more than the documented size", () => {
  const whole = listProfiles().filter(({ abstract }) => !abstract);
  for (const { id } of whole) expect(resolveProfile(id).disk.minimum_gib, id).toBeLessThanOrEqual(ENOUGH_GB);
});

test("the release workflow builds every profile", () => {
  const release = parse(readFileSync(join(docs, "../.github/workflows/release.yml"), "utf8")) as {
    jobs: { image: { strategy: { matrix: { profile: string[] } } } };
  };
  const whole = listProfiles().filter(({ abstract }) => !abstract);
  expect(release.jobs.image.strategy.matrix.profile.sort()).toEqual(whole.map(({ id }) => id).sort());
});
