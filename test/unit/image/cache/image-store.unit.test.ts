// SPDX-License-Identifier: GPL-3.0-or-later
// Which raw images stay in the cache when there are many.
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetOldImages, noteUse, rawImage } from "../../../../image/cache/images.ts";

let store: string;

beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), "cbox-store-"));
  for (const [index, name] of ["a", "b", "c", "d", "e"].entries()) {
    await writeFile(rawImage(store, name), "");
    await utimes(rawImage(store, name), 1_700_000_000, 1_700_000_000 + index);
  }
});

afterEach(() => rm(store, { recursive: true }));

test("the store keeps the three newest images", async () => {
  await forgetOldImages(store);
  expect((await readdir(store)).sort()).toEqual(["c.img", "d.img", "e.img"]);
});

test("the store keeps an image that a machine may be using, until it has been unused for long", async () => {
  await noteUse(rawImage(store, "a"));
  await forgetOldImages(store);
  expect((await readdir(store)).sort()).toEqual(["a.img", "a.img.used", "c.img", "d.img", "e.img"]);
  await utimes(`${rawImage(store, "a")}.used`, 1_700_000_000, 1_700_000_000);
  await forgetOldImages(store);
  expect((await readdir(store)).sort()).toEqual(["c.img", "d.img", "e.img"]);
});
