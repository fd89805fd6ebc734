// SPDX-License-Identifier: GPL-3.0-or-later
// A board nobody has heard of, as YAML in a directory of its own: no line of TypeScript, none of the project's files.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { OVERLAYS, PROFILES, PROJECT } from "../../../../image/host/paths.ts";
import { OWN_PROFILES, overlayDirs } from "../../../../image/profile/directories.ts";
import { listProfiles, resolveProfile, sharedBase } from "../../../../image/profile/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const BOARD = `id: attic-board
title: A board from the attic
parent: pc-hardware
packages: [mc, -iw]
kernel:
  arguments: [nomodeset]
overlays: [attic]
watchdog: { seconds: 30 }
hardware:
  devices:
    - { name: network card, id: "pci:10ec:8139", module: 8139too }
`;

afterEach(() => void vi.unstubAllEnvs());

function attic(): string {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, "attic-board.yaml"), BOARD);
  mkdirSync(join(dir, "overlays/attic"), { recursive: true });
  vi.stubEnv(OWN_PROFILES, dir);
  return dir;
}

it("a user's profile from the documentation is accepted", () => {
  const page = readFileSync(join(PROJECT, "docs/boxes/README.md"), "utf8");
  const [, text = ""] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const [, folder = "", name = ""] = /^# (\S+)\/(\S+)\.yaml$/m.exec(text) ?? [];
  const dir = join(temporaryDirectory(), folder);
  mkdirSync(dir);
  writeFileSync(join(dir, `${name}.yaml`), text);
  vi.stubEnv(OWN_PROFILES, dir);
  const board = resolveProfile(name);
  expect([board.id, board.kernel.arguments]).toEqual([name, expect.arrayContaining(["nomodeset"])]);
  // The commands below it are about this board and this folder.
  for (const command of ["profile show", "build"])
    expect(page).toMatch(new RegExp(`^\\./cbox ${command} ${name} .*--profiles ${folder}$`, "m"));
});

it("a user's profile resolves beside the project's, with the overlay next to it", () => {
  const dir = attic();
  const board = resolveProfile("attic-board");
  expect(board).toMatchObject({
    release: "trixie",
    architecture: "amd64",
    kernel: {
      package: "linux-image-amd64",
      arguments: ["quiet", "loglevel=3", "systemd.show_status=auto", "nomodeset"],
    },
    overlays: ["base", "image", "screen", "pc-x86", "wifi", "attic"],
    watchdog: { seconds: 30 },
  });
  expect(board.packages).toContain("mc");
  expect(board.packages).not.toContain("iw");
  expect(overlayDirs()).toEqual([join(dir, "overlays"), OVERLAYS]);
  const listed = listProfiles().map(({ id }) => id);
  expect(listed).toEqual(expect.arrayContaining(["attic-board", "vm-amd64"]));
  expect(listProfiles(PROFILES).map(({ id }) => id)).not.toContain("attic-board");
});

it("an overlay that is in neither place is a mistake in the profile", async () => {
  const dir = attic();
  writeFileSync(join(dir, "attic-board.yaml"), BOARD.replace("[attic]", "[atic]"));
  expect(await failureOf(() => resolveProfile("attic-board"))).toMatchObject({
    code: "profile-invalid",
    found: 'overlays: there is no folder overlays/atic. Did you mean "attic"?',
  });
});

it("a profile directory that does not exist is reported: profiles-missing", async () => {
  vi.stubEnv(OWN_PROFILES, "/no/such/place");
  expect(await failureOf(() => resolveProfile("vm-amd64"))).toMatchObject({
    code: "profiles-missing",
    message: "The directory of your own profiles is not there.",
    found: "/no/such/place",
    hint: "correct --profiles, or the variable CBOX_PROFILES",
  });
});

it("a user's profile cannot have a base layer of its own, and the difference is reported", async () => {
  const dir = attic();
  writeFileSync(join(dir, "attic-board.yaml"), `${BOARD}base_packages: [htop, -nano]\n`);
  const profiles = ["attic-board", "convert-amd64", "pc-amd64", "vm-amd64"].map((id) => resolveProfile(id));
  expect(await failureOf(() => sharedBase(profiles))).toMatchObject({
    code: "base-packages-differ",
    message:
      'The profiles "attic-board" and "pc-amd64" share one base layer (trixie, amd64), but do not name the same base_packages.',
    found: "attic-board has also htop; attic-board lacks nano",
    hint: "take base_packages out of attic-board.yaml; what only this board needs is named under packages",
  });
});

it("a user's profile shares the project's base layer, which conversion settings do not affect", () => {
  attic();
  const all = ["convert-amd64", "attic-board", "vm-amd64"].map((id) => resolveProfile(id));
  expect(sharedBase(all)).toEqual(resolveProfile("vm-amd64").base_packages);
  expect(sharedBase(all.slice(0, 1))).toBeUndefined();
});
