// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox build --all`: the table, and what is left to say when not everything could be built.
import { afterEach, expect, it, vi } from "vitest";
import { Failure } from "../../../../common/fail.ts";
import type { BuildResult } from "../../../../image/build.ts";
import { buildAll, describeOutcomes } from "../../../../image/commands/build-all.ts";
import { listProfiles } from "../../../../image/profile/index.ts";
import type { Manifest } from "../../../../image/published/manifest.ts";
import { failureOf } from "../../../failure-of.ts";

const manifest = {
  image: { size: 250e6 },
  inputs: { rootfs: "4567", context: "0123" },
} as unknown as Manifest;
const built = (...kinds: string[]): BuildResult => ({
  manifest,
  reasons: new Map(kinds.map((kind) => [kind, ["nothing in the cache"]])),
  built: true,
});
const broken = new Failure({ code: "disk-full", what: "The disk ran full." });

afterEach(() => void vi.restoreAllMocks());

it("the table shows the time, the size, and the layers taken from the cache", () => {
  const outcomes = [
    { profile: "one", seconds: 151.4, result: built("base-trixie-amd64", "rootfs-one", "image") },
    { profile: "two", seconds: 30.2, result: built("image") },
    { profile: "three", seconds: 1.1, result: { ...built(), built: false } },
    { profile: "four", seconds: 9.6, failure: broken },
  ];
  expect(describeOutcomes(outcomes)).toBe(
    [
      "profile  time   image   taken from the cache",
      "one      151 s  250 MB  context",
      "two      30 s   250 MB  base, rootfs, context",
      "three    1 s    250 MB  everything: nothing changed",
      "four     10 s   -       failed [disk-full]",
    ].join("\n"),
  );
});

it("a build of all profiles continues after a failure, and ends by naming what failed", async () => {
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "error").mockReturnValue();
  const tried: string[] = [];
  const one = async (id: string) => {
    tried.push(id);
    if (id === "minix-neo-z64") throw broken;
    return built("image");
  };
  const failure = await failureOf(() => buildAll(one));
  const ids = listProfiles().flatMap(({ id, abstract }) => (abstract ? [] : [id]));
  expect(tried).toEqual(ids);
  expect(failure).toMatchObject({
    code: "builds-failed",
    message: `1 of ${ids.length} images could not be built; the others are good.`,
    found: "minix-neo-z64 [disk-full]",
    hint: "./cbox build minix-neo-z64",
  });
});
