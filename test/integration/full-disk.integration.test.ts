// SPDX-License-Identifier: GPL-3.0-or-later
// Services on a disk that is full, or becomes full while they are switched on: a root file system of real packages on a
// file system that ends. Each time: one sentence that says so, nothing that works is lost, and the same command again
// goes through when there is room.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Failure } from "../../common/fail.ts";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import type { Box } from "../../firstboot/host/box.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate } from "../../firstboot/services/engine.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { serviceRoot } from "./service-root.ts";

const NAMESPACE = "cbox-fulldisk";
const MIB = 1024 * 1024;
const disk = join(cacheDir(), "work", "full-disk.mount");
const filler = join(disk, "filler");

const image = {
  version: "test",
  profile: { id: "vm-amd64", title: "test", architecture: "amd64", release: "trixie" },
  boot_mount: "/boot/efi",
  community: loadCommunity("guifi"),
} as unknown as ImageInfo;

let box: ChrootBox;

beforeAll(async () => {
  clean();
  const root = await serviceRoot("full-disk");
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1g,mode=755", "cbox-full", disk]);
  execFileSync("cp", ["--archive", `${root}/.`, disk]);
  rmSync(root, { recursive: true });
  execFileSync("ip", ["netns", "add", NAMESPACE]);
  box = chrootBox(disk, NAMESPACE);
  await box.writeFile("/etc/hostname", "can-bruixa\n");
});

afterEach(() => rmSync(filler, { force: true }));

afterAll(clean);

function clean(): void {
  for (const [command, ...args] of [
    ["umount", "--quiet", disk],
    ["ip", "netns", "delete", NAMESPACE],
  ] as const) {
    try {
      execFileSync(command, args, { stdio: "ignore" });
    } catch {
      // Not there.
    }
  }
  rmSync(disk, { recursive: true, force: true });
}

const freeMib = () => {
  const { bavail, bsize } = statfsSync(disk);
  return (bavail * bsize) / MIB;
};

/** Fills the disk until so much is left; 0: to the last page. */
function leave(mib: number): void {
  rmSync(filler, { force: true });
  if (mib > 0) {
    execFileSync("fallocate", ["--length", String(Math.floor((freeMib() - mib) * MIB)), filler]);
    return;
  }
  try {
    execFileSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"], { stdio: "ignore" });
  } catch {
    // "No space left on device" is how it ends.
  }
}

const service = (id: string) => findService(id)!;

async function switchOn(id: string, inputs = {}, where: Box = box) {
  await activate({ box: where, image }, service(id), {
    where: "host",
    inputs: { ...defaultInputs(service(id)), ...inputs },
  });
}

async function refusal(run: () => Promise<unknown>): Promise<Failure> {
  const error = await run().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

const stateOf = async (id: string) => (await readStates(box))[id]?.state;
const packages = async () => (await box.run("dpkg-query", ["-W"])).stdout;

test("a service without space for its packages is refused beforehand, with the needed and the free space", async () => {
  leave(40);
  const before = await packages();
  const failure = await refusal(() => switchOn("guifi-proxy"));
  expect(failure).toMatchObject({
    code: "service-no-room",
    message: "There is not enough room on the disk for Web proxy (Squid).",
    found: expect.stringMatching(/^1\d\d MiB needed, (39|40) MiB free$/),
  });
  expect(await readStates(box)).toEqual({});
  expect(await packages()).toBe(before);
});

test("a disk that fills up while unpacking is reported, and the same command succeeds when there is space", async () => {
  const filling: Box = {
    ...box,
    async run(command, args, options) {
      // Somebody else fills it, when it has been looked at already.
      if (args.includes("install") && !args.includes("--simulate") && args.includes("apt-get")) leave(20);
      return box.run(command, args, options);
    },
  };
  const failure = await refusal(() => switchOn("guifi-proxy", {}, filling));
  expect(failure).toMatchObject({ code: "box-full", found: "packages of Web proxy (Squid)" });
  expect(await stateOf("guifi-proxy")).toBe("starting");
  expect((await box.run("dpkg-query", ["-W", "-f", "$" + "{db:Status-Status}", "squid"])).stdout).not.toBe(
    "installed",
  );

  rmSync(filler);
  await switchOn("guifi-proxy");
  expect(await stateOf("guifi-proxy")).toBe("on");
  expect(await box.run("dpkg", ["--audit"])).toMatchObject({ code: 0, stdout: "" });
});

test("a completely full disk leaves running services their settings, and new ones are accepted when there is space", async () => {
  const settings = () => box.readFile("/etc/mosquitto/community-box/acl");
  const passwords = () => box.readFile(`${paths.serviceSecrets}/mosquitto.json`);
  await switchOn("mosquitto", { users: "anna" });
  const before = [await settings(), await passwords(), await box.readFile(paths.services)];
  leave(0);
  const failure = await refusal(() => switchOn("mosquitto", { users: "anna sensors" }));
  expect(failure).toMatchObject({ code: "box-full", message: "There is no room left on the disk." });
  expect([await settings(), await passwords(), await box.readFile(paths.services)]).toEqual(before);

  rmSync(filler);
  await switchOn("mosquitto", { users: "anna sensors" });
  expect(await stateOf("mosquitto")).toBe("on");
  expect(await box.readFile("/etc/mosquitto/community-box/passwords")).toMatch(/^anna:.*\nsensors:/s);
});
