// SPDX-License-Identifier: GPL-3.0-or-later
// A box in memory that started from a stick and has a disk: the commands of the installer with so much of their effects
// that a power cut shows what is on the disk then, and whether it would start.

import { paths } from "../../../firstboot/host/paths.ts";
import { WORKPLACE } from "../../../firstboot/install/disks.ts";
import { FakeBox, IMAGE } from "./fake-box.ts";

export const INSTALL_IMAGE = { ...IMAGE, install: true, disk: { minimum_gib: 4 } };
export const TO = `${WORKPLACE}/to`;
const GIB = 1024 ** 3;

export interface FakeDisk {
  name: string;
  size: number;
  serial?: string;
  model?: string;
  tran?: string;
  rm?: boolean;
  "log-sec"?: number;
  ptuuid?: string;
  fstype?: string;
  children?: object[];
}

export class InstallBox extends FakeBox {
  readonly disk: FakeDisk = { name: "vda", size: 16 * GIB, tran: "virtio" };
  readonly more: FakeDisk[] = [];
  /** Of the disk. */
  labels = new Map<string, string>();
  hasCore = false;
  /** The first sector has boot code: a BIOS would start from the disk. */
  starts = false;
  /** The mark in its table that some BIOSes want to see before they start from it. */
  isActive = false;
  #tables = 0;

  constructor() {
    super();
    const stick: Record<string, string> = {
      "/etc/fstab": "LABEL=CBOX-ROOT / ext4\nLABEL=CBOX-BOOT /boot/efi vfat\n",
      "/boot/efi/EFI/debian/grub.cfg":
        "search --set=root --label CBOX-ROOT\nlinux /vmlinuz root=LABEL=CBOX-ROOT ro\n",
      "/boot/efi/EFI/BOOT/BOOTX64.EFI": "loader",
      "/boot/efi/ca.pem": "no certificate",
      "/var/log/journal/1/system.journal": "of the stick",
    };
    for (const [path, content] of Object.entries(stick)) this.files.set(path, content);
    const usual = this.system.run.bind(this.system);
    this.system.run = async (command, args, options) => {
      const result = this.#answer(command, args, options?.input ?? "");
      if (result === undefined) return usual(command, args, options);
      this.system.commands.push([command, ...args].join(" "));
      return { code: 0, stdout: result, stderr: "" };
    };
  }

  /** What is mounted below /run is on a disk. */
  override powerOn(): void {
    const { installed } = this;
    super.powerOn();
    for (const [path, content] of installed) this.files.set(TO + path, content);
  }

  /** Files on the new disk, by path from its root. */
  get installed(): Map<string, string> {
    const here = [...this.files].filter(([path]) => path.startsWith(`${TO}/`));
    return new Map(here.map(([path, content]) => [path.slice(TO.length), content]));
  }

  #answer(command: string, args: readonly string[], input: string): string | undefined {
    const last = args.at(-1) ?? "";
    switch (command) {
      case "lsblk":
        return JSON.stringify({ blockdevices: [STICK, this.disk, ...this.more].map(device) });
      case "sfdisk":
        return this.#sfdisk(args, input);
      case "dd":
        return this.#dd(args);
      case paths.markActive:
        this.isActive = this.starts && last === "/dev/vda";
        return "";
      case "wipefs":
        this.#clear(TO);
        this.labels.clear();
        return "";
      case "mkfs.fat":
      case "mkfs.ext4":
        this.#clear(command === "mkfs.fat" ? `${TO}/boot/efi` : TO);
        this.labels.set(last, args[args.indexOf(command === "mkfs.fat" ? "-n" : "-L") + 1] ?? "");
        return "";
      case "cp":
        return this.#cp(args);
      case "df":
        return ` Used\n${800 * 1024 * 1024}\n`;
      case "mount":
      case "umount":
      case "sync":
      case "blockdev":
      case "e2fsck":
      case "fsck.fat":
        return "";
      case "cmp":
        return "";
      default:
        return undefined;
    }
  }

  #sfdisk(args: readonly string[], input: string): string {
    if (args[0] === "--json") return JSON.stringify(TABLE);
    if (args[0] === "--disk-id") return `${this.disk.ptuuid?.toUpperCase()}\n`;
    this.#tables += 1;
    this.isActive = false;
    this.disk.ptuuid = `0000000${this.#tables}-aaaa-4bbb-8ccc-ddddeeeeffff`;
    this.disk.children = [...input.matchAll(/^(\d) : start=(\d+), size=(\d+)/gm)].map(
      ([, number, , size]) => ({
        path: `/dev/vda${number}`,
        size: Number(size) * 512,
        mountpoints: [null],
      }),
    );
    return "";
  }

  #dd(args: readonly string[]): string {
    const text = args.join(" ");
    if (text.includes("if=/dev/zero")) {
      this.starts = false;
      this.hasCore = false;
    }
    if (text.includes("of=/dev/vda1")) this.hasCore = true;
    if (text.includes("bs=440")) this.starts = true;
    return "";
  }

  #cp(args: readonly string[]): string {
    const [from = "", to = ""] = args.slice(-2);
    const isRoot = args.includes("--archive");
    const base = isRoot ? "" : from.slice(0, from.lastIndexOf("/"));
    for (const [path, content] of [...this.files]) {
      const isWanted = isRoot
        ? /^\/(etc|usr|var)\//.test(path)
        : path === from || path.startsWith(`${from}/`);
      if (isWanted) this.files.set(`${to.replace(/\/$/, "")}${path.slice(base.length)}`, content);
    }
    return "";
  }

  #clear(place: string): void {
    for (const path of [...this.files.keys()]) if (path.startsWith(`${place}/`)) this.files.delete(path);
  }
}

const part = (name: string, size: number, point: string | null) => ({
  path: `/dev/${name}`,
  size,
  mountpoints: [point],
});

const STICK: FakeDisk = {
  name: "sda",
  size: 8 * GIB,
  tran: "usb",
  rm: true,
  serial: "4C530001",
  children: [
    part("sda1", 1024 ** 2, null),
    part("sda2", 64 * 1024 ** 2, "/boot/efi"),
    part("sda3", 4 * GIB, "/"),
  ],
};

const TABLE = {
  partitiontable: {
    label: "gpt",
    partitions: [
      ["sda1", 2048, 2048, "21686148-6449-6E6F-744E-656564454649", "bios"],
      ["sda2", 4096, 131072, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "cbox-boot"],
      ["sda3", 135168, 8388608, "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "cbox-root"],
    ].map(([node, start, size, type, name]) => ({ node: `/dev/${node}`, start, size, type, name })),
  },
};

function device(disk: FakeDisk): object {
  return { path: `/dev/${disk.name}`, type: "disk", mountpoints: [null], "log-sec": 512, ...disk };
}
