// SPDX-License-Identifier: GPL-3.0-or-later
// Layer keys and the words that explain a rebuild.

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changes, type LayerInputs, layerKey, openLayers } from "../../../../image/cache/layers.ts";
import { createSession } from "../../../../image/host/session.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const before: LayerInputs = {
  format: 1,
  "package list": ["nano", "sudo"],
  hook: { "10-a.hook.chroot": "aa", "20-b.hook.chroot": "bb" },
  epoch: 5,
};

describe("the key of a layer", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (hooks) => {
        const turned = Object.fromEntries(Object.entries(hooks).reverse());
        expect(layerKey({ a: 1, hooks })).toBe(layerKey({ hooks: turned, a: 1 }));
      }),
    );
  });

  it("changes with any value", () => {
    const keys = [before, { ...before, epoch: 6 }, { ...before, "package list": ["sudo", "nano"] }].map(
      layerKey,
    );
    expect(new Set(keys).size).toBe(3);
  });
});

describe("the reason for a rebuild", () => {
  it("names packages that were added and removed", () => {
    expect(changes(before, { ...before, "package list": ["sudo", "serf"] })).toEqual([
      "package list changed: +serf -nano",
    ]);
  });

  it("names the hook that changed", () => {
    const hook = { "10-a.hook.chroot": "aa", "20-b.hook.chroot": "cc", "30-c.hook.chroot": "dd" };
    expect(changes(before, { ...before, hook })).toEqual([
      "hook changed: 20-b.hook.chroot +30-c.hook.chroot",
    ]);
  });

  it("names the contents of a group that did not exist before", () => {
    const code = { "image/stages/rootfs.ts": "ab" };
    expect(changes(before, { ...before, code })).toEqual(["code changed: +image/stages/rootfs.ts"]);
    expect(changes({ ...before, code }, before)).toEqual(["code changed: -image/stages/rootfs.ts"]);
  });

  it("shows plain values before and after, and counts what is too long to show", () => {
    expect(changes(before, { ...before, epoch: 6 })).toEqual(["epoch changed: 5 -> 6"]);
    const many = Array.from({ length: 9 }, (_, index) => `p${index}`);
    expect(changes({ list: [] }, { list: many })).toEqual([
      "list changed: +p0 +p1 +p2 +p3 +p4 +p5 and 3 more",
    ]);
  });

  it("is empty exactly when the key is the same", () => {
    const inputs = fc.record({ a: fc.integer(), list: fc.uniqueArray(fc.string()) });
    fc.assert(
      fc.property(inputs, inputs, (one, other) => {
        expect(layerKey(one) === layerKey(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
        if (layerKey(one) !== layerKey(other)) expect(changes(one, other).length).toBeGreaterThan(0);
        else expect(changes(one, other)).toEqual([]);
      }),
    );
  });
});

describe("the layer store", () => {
  const store = () => {
    const directory = temporaryDirectory();
    return { directory, layers: openLayers(createSession({ logDirectory: directory }), directory) };
  };
  const make = (root: string) => writeFile(join(root, "made"), "");
  const never = () => expect.fail("the layer is there already");

  it("shares a layer between profiles with the same inputs", async () => {
    const { layers } = store();
    const first = await layers.obtain("rootfs-minix-neo-z64", before, make);
    expect(first.reasons).toEqual(["nothing in the cache"]);
    const second = await layers.obtain("rootfs-jetway", before, never);
    expect(second).toMatchObject({ kind: "rootfs-jetway", root: first.root, reasons: [] });
    expect(await layers.explain("rootfs-jetway", before)).toBeUndefined();
    // Not a layer of another sort that happens to have the same inputs.
    expect(await layers.explain("base-trixie-amd64", before)).toEqual(["nothing in the cache"]);
  });

  it("makes a layer once when two ask for it at the same time, while the second waits", async () => {
    const { layers, directory } = store();
    const made: string[] = [];
    const slowly = async (root: string) => {
      made.push(root);
      await delay(300);
      await make(root);
    };
    const other = openLayers(createSession({ logDirectory: directory }), directory);
    const both = [layers, other].map((each) => each.obtain("lab", before, slowly));
    const [first, second] = await Promise.all(both);
    expect(made).toHaveLength(1);
    expect(second?.root).toBe(first?.root);
    expect(existsSync(join(first?.root ?? "", "made"))).toBe(true);
  });

  it("keeps three layers of a profile, not counting those of a profile whose name it begins", async () => {
    const { directory, layers } = store();
    const other = await layers.obtain("rootfs-pi-5", before, make);
    for (const epoch of [1, 2, 3, 4]) await layers.obtain("rootfs-pi", { ...before, epoch }, make);
    expect(existsSync(other.root)).toBe(true);
    expect(existsSync(join(directory, `rootfs-pi-${layerKey({ ...before, epoch: 1 })}`))).toBe(false);
    expect(existsSync(join(directory, `rootfs-pi-${layerKey({ ...before, epoch: 4 })}`))).toBe(true);
  });
});
