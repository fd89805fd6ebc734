// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "verify" seen red: the real image of vm-amd64, broken in one way at a time.
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { SECTOR } from "../../image/disk/layout.ts";
import { type DiskTools, openDiskTools } from "../../image/disk/tools.ts";
import { createSession, type Session } from "../../image/host/session.ts";
import { inspect, inspectRaw } from "../../image/stages/verify.ts";
import { checkHardware } from "../../image/stages/verify-hardware.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { builtImage, scratch } from "./project.ts";

let image: Awaited<ReturnType<typeof builtImage>>;
let tools: DiskTools;
let session: Session;

beforeAll(async () => {
  image = await builtImage("vm-amd64");
  session = createSession({ logDirectory: "/tmp/cbox-verify-test" });
  const layer = await openWorkspace({ session }).tools();
  tools = openDiskTools(session.run, layer.root, 0);
});

/** Findings about a copy of the image after `harm(copy)`. */
async function findingsAfter(harm: (copy: string) => Promise<unknown>): Promise<string[]> {
  const directory = await scratch();
  const copy = join(directory, "disk.img");
  await session.run(["cp", "--sparse=always", image.raw, copy]);
  await harm(copy);
  return inspectRaw({
    tools,
    manifest: image.manifest,
    raw: copy,
    scratch: join(directory, "scratch"),
  });
}

const rootOf = (copy: string) => `${copy}?offset=${image.manifest.disk.partitions.root.start * SECTOR}`;
const bootOf = (copy: string) => `${copy}@@${image.manifest.disk.partitions.boot.start * SECTOR}`;
const inRoot = (copy: string, commands: string) =>
  tools.tool("debugfs", ["-w", "-f", "-", rootOf(copy)], { input: commands });

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, offset);
  await file.close();
}

describe("verify of vm-amd64", () => {
  it("finds nothing wrong with the image as built", async () => {
    const { manifest, raw, packed } = image;
    const place = join(await scratch(), "scratch");
    expect(await inspect(session, { tools, manifest, packed, raw, scratch: place })).toEqual([]);
  });

  it("finds an archive that unpacks to something else", async () => {
    const directory = await scratch();
    const packed = join(directory, "other.zst");
    await writeFile(join(directory, "other"), "not the image");
    await session.run(["zstd", "-q", join(directory, "other"), "-o", packed]);
    const { manifest, raw } = image;
    const found = await inspect(session, {
      tools,
      manifest,
      packed,
      raw,
      scratch: join(directory, "scratch"),
    });
    expect(found).toEqual([`${packed} does not unpack to the image that was built`]);
  });

  it("finds a damaged partition table", async () => {
    const found = await findingsAfter((copy) => overwrite(copy, 2 * SECTOR + 32, Buffer.alloc(16, 7)));
    expect(found[0]).toMatch(/^sfdisk --verify: .*corrupt/s);
  });

  it("finds a damaged root file system", async () => {
    const found = await findingsAfter((copy) => inRoot(copy, "clri /usr/bin\n"));
    expect(found[0]).toContain("the root file system is damaged");
  });

  it("finds a missing EFI loader, and one of the wrong kind", async () => {
    const missing = await findingsAfter((copy) =>
      tools.tool("mdel", ["-i", bootOf(copy), "::EFI/BOOT/BOOTIA32.EFI"]),
    );
    expect(missing).toContain("CBOX-BOOT lacks /EFI/BOOT/BOOTIA32.EFI");
    const swapped = await findingsAfter(async (copy) => {
      const loader = join(await scratch(), "loader");
      await tools.tool("mcopy", ["-n", "-i", bootOf(copy), "::EFI/BOOT/BOOTIA32.EFI", loader]);
      await tools.tool("mcopy", ["-D", "o", "-i", bootOf(copy), loader, "::EFI/BOOT/BOOTX64.EFI"]);
    });
    expect(swapped).toEqual(["/EFI/BOOT/BOOTX64.EFI is not a loader for efi64"]);
  });

  it("finds a boot sector that leads nowhere", async () => {
    const found = await findingsAfter((copy) => overwrite(copy, 0x5c, Buffer.alloc(8)));
    expect(found).toEqual(["the boot sector does not point at GRUB's core image"]);
  });

  it("finds a missing kernel, and a root with another label", async () => {
    const gone = await findingsAfter((copy) => inRoot(copy, "rm /vmlinuz\n"));
    expect(gone).toContain(
      "the boot loader's configuration names /vmlinuz, which is not in the root file system",
    );
    const renamed = await findingsAfter((copy) => inRoot(copy, "set_super_value volume_name OTHER\n"));
    expect(renamed).toEqual([
      "the kernel is told root=LABEL=CBOX-ROOT, but the root file system has another label",
    ]);
  });

  it("finds a device whose module claims another, one without its place in the initrd, one without firmware", async () => {
    const { manifest, raw } = image;
    const devices = [
      { name: "card", id: "pci:10ec:8168", module: "r8168" },
      { name: "panel", id: "pci:8086:0be1", module: "gma500_gfx", root: true },
      {
        name: "radio",
        id: "sdio:024c:b723",
        module: "r8723bs",
        firmware: ["rtlwifi/none.bin"],
        package: "firmware-realtek",
      },
    ];
    const profile = { ...manifest.profile, hardware: { devices } };
    const place = join(await scratch(), "scratch");
    const root = `${raw}?offset=${manifest.disk.partitions.root.start * SECTOR}`;
    const findings = await checkHardware(tools, root, profile, place);
    expect(findings.map((finding) => finding.replace(/kernel \S+ /, "kernel "))).toEqual([
      "card (pci:10ec:8168): no module r8168 of the kernel claims it; it would be driven by r8169; the package linux-image-amd64 should have it",
      "panel (pci:8086:0be1): the module gma500_gfx is not in the initrd, so the root file system behind it is not found; add it to kernel.initramfs_modules",
      "radio (sdio:024c:b723) needs the firmware rtlwifi/none.bin, which is not there; the package firmware-realtek has it",
    ]);
  });

  it("finds a host key, an account without a lock, and a machine-id", async () => {
    const key = join(await scratch(), "key");
    await writeFile(key, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    const shadow = join(await scratch(), "shadow");
    await writeFile(shadow, "root:$y$abc:20000::::::\n");
    const id = join(await scratch(), "id");
    await writeFile(id, "0123456789abcdef0123456789abcdef\n");
    const found = await findingsAfter((copy) =>
      inRoot(
        copy,
        [
          `write ${key} /etc/ssh/ssh_host_ed25519_key`,
          "rm /etc/shadow",
          `write ${shadow} /etc/shadow`,
          "rm /etc/machine-id",
          `write ${id} /etc/machine-id`,
          "",
        ].join("\n"),
      ),
    );
    expect(found.sort()).toEqual([
      "/etc/machine-id is set; every box would have the same",
      "/etc/ssh/ssh_host_ed25519_key holds a private key",
      "/etc/ssh/ssh_host_ed25519_key must not be in an image",
      "the account root is not locked in /etc/shadow",
    ]);
  });
});
