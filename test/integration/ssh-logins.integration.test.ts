// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox system` about SSH: what the real sshd and the real databases of accounts say, as root and without root's rights.
import { execFileSync, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Box } from "../../firstboot/host/box.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { sshdConfig } from "../../firstboot/steps/system/apply.ts";
import { readSshLogins } from "../../firstboot/steps/system/ssh-logins.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { createSession } from "../../image/host/session.ts";
import { base } from "../../image/stages/base.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { chrootBox } from "./chroot-box.ts";

const NAME = "cbox-ssh-logins";
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDt6nFFjJQqkB9dGfzaCCOYYsd6YyBDXpShAwtmQTYOz anna@laptop";
const root = join(cacheDir(), "work", NAME);
let box: Box;

const must = async (command: string, ...args: string[]) =>
  expect(await box.run(command, args)).toMatchObject({ code: 0 });

beforeAll(async () => {
  const session = createSession({ logDirectory: join(cacheDir(), "log", NAME) });
  const workspace = openWorkspace({ session });
  const plan = await resolve("vm-amd64", { community: "guifi" });
  const layer = await base(workspace, plan, await workspace.packages("trixie", "amd64", ["base"]));
  rmSync(root, { recursive: true, force: true });
  await session.run(["cp", "--archive", layer.root, root]);
  spawnSync("ip", ["netns", "delete", NAME]);
  execFileSync("ip", ["netns", "add", NAME]);
  box = chrootBox(root, NAME);
  for (const name of ["anna", "joan"]) await must("useradd", "--create-home", "--shell", "/bin/bash", name);
  await must("ssh-keygen", "-A");
  await box.makeDirectory("/run/sshd");
  await box.writeFile("/home/joan/.ssh/authorized_keys", `${KEY}\n`);
});

afterAll(() => {
  spawnSync("ip", ["netns", "delete", NAME]);
  rmSync(root, { recursive: true, force: true });
});

test("sshd accepts passwords as the set-up chose, and never root", async () => {
  await box.writeFile(paths.sshd, sshdConfig(true));
  expect(await readSshLogins(box)).toEqual([
    { name: "anna", passwords: true, keys: 0 },
    { name: "joan", passwords: true, keys: 1 },
  ]);
  await box.writeFile(paths.sshd, sshdConfig(false));
  expect(await readSshLogins(box)).toEqual([
    { name: "anna", passwords: false, keys: 0 },
    { name: "joan", passwords: false, keys: 1 },
  ]);
});

test("the owner's file that sshd reads first applies to the account that it names", async () => {
  await box.writeFile(paths.sshd, sshdConfig(false));
  const own = "/etc/ssh/sshd_config.d/05-own.conf";
  await box.writeFile(own, "Match User joan\nPasswordAuthentication yes\n");
  expect(await readSshLogins(box)).toEqual([
    { name: "anna", passwords: false, keys: 0 },
    { name: "joan", passwords: true, keys: 1 },
  ]);
  await box.writeFile(
    own,
    "AuthenticationMethods publickey\nPasswordAuthentication yes\nPermitRootLogin yes\n",
  );
  expect((await readSshLogins(box))?.map(({ name, passwords }) => [name, passwords])).toEqual([
    ["root", false],
    ["anna", false],
    ["joan", false],
  ]);
  await box.remove(own);
});

test("without root's rights the general settings of sshd are reported", async () => {
  await box.writeFile(paths.sshd, sshdConfig(true));
  const asAnna: Box = {
    ...box,
    run: (command, args) =>
      box.run("setpriv", ["--reuid=anna", "--regid=anna", "--clear-groups", command, ...args]),
  };
  expect((await readSshLogins(asAnna))?.map(({ name, passwords }) => [name, passwords])).toEqual([
    ["anna", true],
    ["joan", true],
  ]);
});
