// SPDX-License-Identifier: GPL-3.0-or-later
// A board that exists in a temporary directory only: one YAML file, one overlay, no TypeScript. It asks for the packages
// of vm-amd64, so the root file system of that one serves, and the build takes seconds.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SECTOR } from "../../image/disk-layout.ts";
import { openDiskTools } from "../../image/disk-tools.ts";
import { locateImage } from "../../image/locate-image.ts";
import { readManifest } from "../../image/manifest.ts";
import { PROFILES } from "../../image/paths.ts";
import { createSession } from "../../image/session.ts";
import { openWorkspace } from "../../image/workspace.ts";
import { cbox, scratch } from "./project.ts";

const BOARD = `id: attic-board
title: A board from the attic
parent: vm-amd64
kernel:
  arguments: [attic.board=1]
boot:
  firmware: [-efi32]
overlays: [attic]
outputs: [-qcow2]
`;

it("builds, with its own overlay and kernel argument, and without live-build", async () => {
  const directory = await scratch();
  const out = join(directory, "out");
  await mkdir(join(directory, "overlays/attic/files/etc"), { recursive: true });
  await writeFile(join(directory, "attic-board.yaml"), BOARD);
  await writeFile(join(directory, "overlays/attic/files/etc/attic.hbs"), "made for {{profile.title}}\n");
  const lock = join(PROFILES, "locks/trixie-amd64.lock");
  const before = await readFile(lock, "utf8");

  const words = ["build", "attic-board", "--explain", "--profiles", directory, "--out", out];
  const { code, output } = await cbox(words).ended;
  expect(output).toMatch(/Built in .*:\n.*attic-board\.img\.zst/);
  expect(output).not.toMatch(/^(base|rootfs|context)-\S+: rebuilt/m);
  expect(code).toBe(0);
  expect(await readFile(lock, "utf8")).toBe(before);

  const manifest = (await readManifest(out))!;
  expect(manifest.profile).toMatchObject({ id: "attic-board", boot: { firmware: ["bios", "efi64"] } });
  const session = createSession({ logDirectory: join(directory, "log") });
  const workspace = openWorkspace({ session });
  const tools = openDiskTools(session.run, (await workspace.tools()).root, 0);
  const { path } = await locateImage("attic-board", out);
  const { root, boot } = manifest.disk!.partitions;
  const file = await tools.tool("debugfs", ["-R", "cat /etc/attic", `${path}?offset=${root.start * SECTOR}`]);
  expect(file).toBe("made for A board from the attic\n");
  const menu = await tools.tool("mtype", ["-i", `${path}@@${boot.start * SECTOR}`, "::EFI/debian/grub.cfg"]);
  expect(menu).toContain(" attic.board=1\n");
});
