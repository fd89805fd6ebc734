// SPDX-License-Identifier: GPL-3.0-or-later
// A board that exists in a temporary directory only: one YAML file, one overlay, no TypeScript. It asks for the packages
// of vm-amd64, so the root file system of that one serves, and the build takes seconds.
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { readLock } from "../../image/debian/lock.ts";
import { SECTOR } from "../../image/disk/layout.ts";
import { openDiskTools } from "../../image/disk/tools.ts";
import { PROFILES } from "../../image/host/paths.ts";
import { createSession } from "../../image/host/session.ts";
import { OWN_PROFILES } from "../../image/profile/directories.ts";
import { locateImage } from "../../image/published/locate-image.ts";
import { readManifest } from "../../image/published/manifest.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { cbox, inBuildTurn, scratch } from "./project.ts";

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

/** Of the project. */
const LOCK = join(PROFILES, "locks/trixie-amd64.lock");

afterEach(() => void vi.unstubAllEnvs());

it("a user's board builds with its own overlay and kernel argument, and without live-build", async () => {
  const directory = await scratch();
  const out = join(directory, "out");
  await mkdir(join(directory, "overlays/attic/files/etc"), { recursive: true });
  await writeFile(join(directory, "attic-board.yaml"), BOARD);
  await writeFile(join(directory, "overlays/attic/files/etc/attic.hbs"), "made for {{profile.title}}\n");
  const before = await readFile(LOCK, "utf8");

  const words = ["build", "attic-board", "--profiles", directory, "--out", out];
  const explained = await inBuildTurn(() => cbox([...words, "--explain"]).ended);
  expect(explained.output).toContain("image: would be made, no image yet");
  expect(explained.code).toBe(0);
  expect(existsSync(out)).toBe(false);
  const { code, output } = await inBuildTurn(() => cbox(words).ended);
  expect(output).toMatch(/Built in .*:\n.*attic-board\.img\.zst/);
  expect(output).not.toMatch(/^(base|rootfs|context)-\S+: made/m);
  expect(code).toBe(0);
  expect(await readFile(LOCK, "utf8")).toBe(before);
  expect(existsSync(join(directory, "locks"))).toBe(false);

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

it("a user's board has a lock of its own for a package that the project does not have", async () => {
  const directory = await scratch();
  await writeFile(
    join(directory, "attic-board.yaml"),
    `${BOARD.replace(/overlays.*\n/, "")}packages: [sl]\n`,
  );
  vi.stubEnv(OWN_PROFILES, directory);
  const before = await readFile(LOCK, "utf8");
  const session = createSession({ logDirectory: join(directory, "log") });
  const open = (mirror?: string) => openWorkspace({ session, mirror }).packages("trixie", "amd64", []);

  const { lock } = await open();
  expect(await readFile(LOCK, "utf8")).toBe(before);
  const own = join(directory, "locks/trixie-amd64.lock");
  expect(await readLock(own)).toEqual(lock);
  const project = (await readLock(LOCK))!;
  const added = Object.keys(lock.packages).filter((name) => !(name in project.packages));
  expect(added, "with what it depends on").toEqual(["libncurses6", "sl"]);
  expect(lock.sets["profile:vm-amd64"]).toEqual(project.sets["profile:vm-amd64"]);

  // Now that it is there, nobody has to be asked.
  const written = await readFile(own, "utf8");
  expect((await open("http://127.0.0.1:9/debian")).lock.packages.sl).toEqual(lock.packages.sl);
  expect(await readFile(own, "utf8")).toBe(written);
});
