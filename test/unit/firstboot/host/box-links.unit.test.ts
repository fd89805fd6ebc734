// SPDX-License-Identifier: GPL-3.0-or-later
// The real box, where another account has put links in the way of what root does: none of them is followed.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Box } from "../../../../firstboot/host/box.ts";
import { linuxBox } from "../../../../firstboot/host/linux.ts";
import { failureOf } from "../../../failure-of.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const OWNER = { uid: process.getuid!(), gid: process.getgid!() };
/** Everything that changes a name in a folder. */
const EFFECTS: readonly (readonly [string, (box: Box, path: string) => Promise<unknown>])[] = [
  ["writeFile", (box, path) => box.writeFile(path, "new", { mode: 0o600, owner: OWNER })],
  ["overwrite", (box, path) => box.overwrite(path, Buffer.from("new"))],
  ["appendFile", (box, path) => box.appendFile(path, "new")],
  ["makeDirectory", (box, path) => box.makeDirectory(path, { mode: 0o777, owner: OWNER })],
  ["symlink", (box, path) => box.symlink("/nowhere", path)],
  ["rename from", (box, path) => box.rename(path, "/etc/moved")],
  ["rename to", (box, path) => box.rename("/etc/own", path)],
  ["remove", (box, path) => box.remove(path)],
];
const FILE = "/home/anna/.ssh/authorized_keys";

let root: string;
let box: Box;

beforeEach(() => {
  root = temporaryDirectory();
  box = linuxBox({ root });
  for (const folder of ["etc/secret/.ssh", "home/anna/.ssh"])
    mkdirSync(join(root, folder), { recursive: true });
  // Anna's: she may put there what she likes. That everybody may stands for that she is not the one who runs this.
  for (const folder of ["home/anna", "home/anna/.ssh"]) chmodSync(join(root, folder), 0o777);
  for (const file of ["etc/own", "etc/secret/authorized_keys", "etc/secret/.ssh/authorized_keys"])
    writeFileSync(join(root, file), "secret", { mode: 0o640 });
  chmodSync(join(root, "etc/secret"), 0o700);
});

/** What root has, with its rights. */
const secrets = () =>
  ["etc/secret/authorized_keys", "etc/secret/.ssh/authorized_keys"].map((file) => [
    readFileSync(join(root, file), "utf8"),
    statSync(join(root, file)).mode & 0o7777,
  ]);
const UNTOUCHED = [
  ["secret", 0o640],
  ["secret", 0o640],
];

function link(path: string, target: string) {
  rmSync(join(root, path), { recursive: true, force: true });
  symlinkSync(join(root, target), join(root, path));
}

describe.each(EFFECTS)("%s", (_, effect) => {
  it.each(["home/anna/.ssh", "home/anna"])("is refused behind a link in the place of %s", async (folder) => {
    if (folder === "home/anna") chmodSync(join(root, "home"), 0o777);
    link(folder, "etc/secret");
    expect(await failureOf(() => effect(box, FILE))).toMatchObject({
      code: "path-is-link",
      message: "A folder in a place that others may write to is a link, which is not followed.",
      found: join(root, folder),
    });
    expect(secrets()).toEqual(UNTOUCHED);
    expect(statSync(join(root, "etc/secret")).mode & 0o777).toBe(0o700);
    expect(existsSync(join(root, "etc/moved"))).toBe(false);
  });

  it.each([".authorized_keys.new", "authorized_keys.new", "authorized_keys"])(
    "changes nothing behind a link called %s",
    async (name) => {
      writeFileSync(join(root, FILE), "before");
      link(join("home/anna/.ssh", name), "etc/secret/authorized_keys");
      // It may work, on the link itself or beside it, or be refused.
      await effect(box, FILE).catch(() => {});
      expect(secrets()).toEqual(UNTOUCHED);
    },
  );
});

it("makeDirectory does not change the mode of root's folder behind a link", async () => {
  link("home/anna/.ssh", "etc/secret");
  await box.makeDirectory("/home/anna/.ssh", { mode: 0o777 }).catch(() => {});
  expect(statSync(join(root, "etc/secret")).mode & 0o777).toBe(0o700);
});

it("the box follows links that root alone could make, and makes folders below them", async () => {
  mkdirSync(join(root, "run"));
  symlinkSync("../run", join(root, "etc/var-run"));
  symlinkSync("/etc/var-run", join(root, "etc/again"));
  await box.writeFile("/etc/again/deep/er/file", "text", { mode: 0o600 });
  expect(readFileSync(join(root, "run/deep/er/file"), "utf8")).toBe("text");
  expect(statSync(join(root, "run/deep/er/file")).mode & 0o777).toBe(0o600);
  await box.symlink("target", "/etc/again/link");
  expect(readlinkSync(join(root, "run/link"))).toBe("target");
  await box.rename("/etc/again/deep/er/file", "/etc/again/moved");
  await box.appendFile("/etc/again/moved", "more");
  await box.overwrite("/etc/again/moved", Buffer.from("T"));
  expect(readFileSync(join(root, "run/moved"), "utf8")).toBe("Textmore");
  await box.remove("/etc/again/deep");
  expect(existsSync(join(root, "run/deep"))).toBe(false);
  expect(lstatSync(join(root, "etc/again")).isSymbolicLink()).toBe(true);
});

it("an error of the file system names the path, not a file descriptor", async () => {
  await expect(box.overwrite("/etc/none", Buffer.from("x"))).rejects.toThrow(join(root, "etc/none"));
  await expect(box.overwrite("/none/none", Buffer.from("x"))).rejects.toThrow(/ENOENT/);
});
