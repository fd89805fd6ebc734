// SPDX-License-Identifier: GPL-3.0-or-later
// Finding the image to boot: needs zstd and qemu-img, no root.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { copiedDisk, overlayDisk } from "../../image/guest/disk.ts";
import { locateImage, openImage } from "../../image/published/locate-image.ts";

const MIB = 1024 * 1024;

let folder: string;
let out: string;
let rawSha: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cbox-locate-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  out = join(folder, "out");
  mkdirSync(out);
  // Mostly a hole, like a real image.
  const raw = join(out, "box.img");
  writeFileSync(raw, "community box");
  truncateSync(raw, 16 * MIB);
  rawSha = createHash("sha256").update(readFileSync(raw)).digest("hex");
  spawnSync("zstd", ["-q", "--rm", raw]);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function publish(sha: string): void {
  const manifest = { image: { file: "box.img.zst", raw_sha256: sha } };
  writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));
}

describe("locateImage", () => {
  test("reports how to get an image when there is none", async () => {
    await expect(locateImage("vm-amd64", out)).rejects.toMatchObject({
      code: "image-missing",
      found: `nothing in ${out}`,
      hint: "./cbox build vm-amd64",
    });
  });

  test("unpacks the published image once, and keeps its holes", async () => {
    publish(rawSha);
    const first = await locateImage("vm-amd64", out);
    expect(first).toEqual({
      path: join(folder, "cache/community-box/images", `${rawSha}.img`),
      name: "box.img.zst",
    });
    expect(readFileSync(first.path).subarray(0, 13).toString()).toBe("community box");
    expect(statSync(first.path).blocks * 512).toBeLessThan(MIB);
    const time = statSync(first.path).mtimeMs;
    expect(statSync((await locateImage("vm-amd64", out)).path).mtimeMs).toBe(time);
  });

  test("refuses an image that is not as the manifest says", async () => {
    publish("0".repeat(64));
    await expect(locateImage("vm-amd64", out)).rejects.toMatchObject({
      code: "image-damaged",
      found: expect.stringContaining(rawSha),
    });
    writeFileSync(join(out, "box.img.zst"), "no zstd");
    await expect(locateImage("vm-amd64", out)).rejects.toMatchObject({ code: "image-damaged" });
  });
});

describe("openImage", () => {
  test("accepts a packed image without a manifest, and a raw one", async () => {
    const { path } = await openImage(join(out, "box.img.zst"));
    expect(statSync(path).size).toBe(16 * MIB);
    expect(await openImage(path)).toMatchObject({ path });
  });

  test("names a file that does not exist", async () => {
    await expect(openImage("/no/such.img")).rejects.toMatchObject({
      code: "image-missing",
      found: "nothing in /no/such.img",
    });
  });
});

describe("guest disks", () => {
  test("have the requested size, and leave the image unchanged", async () => {
    const { path: image } = await openImage(join(out, "box.img.zst"));
    const before = readFileSync(image);
    const copy = await copiedDisk(image, 64, join(folder, "disk.img"));
    expect(statSync(copy.path).size).toBe(64 * MIB);
    expect(statSync(copy.path).blocks * 512).toBeLessThan(MIB);
    const overlay = await overlayDisk(image, 64, join(folder, "disk.qcow2"));
    const { stdout } = spawnSync("qemu-img", ["info", "--output=json", overlay.path], { encoding: "utf8" });
    expect(JSON.parse(stdout)).toMatchObject({ "virtual-size": 64 * MIB, "backing-filename": image });
    expect(readFileSync(image).equals(before)).toBe(true);
  });

  test("are refused when they are smaller than the image", async () => {
    const { path: image } = await openImage(join(out, "box.img.zst"));
    await expect(overlayDisk(image, 8, join(folder, "disk.qcow2"))).rejects.toMatchObject({
      code: "disk-too-small",
      found: "disk 8 MiB, image 16 MiB",
    });
  });
});
