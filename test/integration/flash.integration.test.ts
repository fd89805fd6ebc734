// SPDX-License-Identifier: GPL-3.0-or-later
// cbox flash: the real image once, byte by byte, and a small one of the same form onto files, onto a block device where this
// machine has one to give, and everything that goes wrong on the way. Needs root, zstd and mtools.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { constants, existsSync, mkdtempSync } from "node:fs";
import {
  copyFile,
  cp,
  mkdir,
  open,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import type { ImageLists } from "../../common/image-lists.ts";
import { EXAMPLE_FILE, exampleOnCard } from "../../image/answers/example.ts";
import { listsFile } from "../../image/answers/lists.ts";
import { bootPartition } from "../../image/disk/boot-partition.ts";
import { MIB } from "../../image/disk/layout.ts";
import { type MappedRange, parseBlockMap } from "../../image/flash/block-map.ts";
import { PROJECT } from "../../image/host/paths.ts";
import { builtImage, cbox, type Ended, run, scratch } from "./project.ts";
import { type SmallImage, smallImage } from "./small-image.ts";

const GARBAGE = 0xa5;
const GB = 1e9;
const CLI = ["node", join(PROJECT, "image/start.mjs")];
const ANSWERS = `version: 1
system:
  hostname: can-bruixa # the house of the witch
  owner: { name: anna, password: "cargol groc damunt la teulada" }
`;
const AUTHORITY = "-----BEGIN CERTIFICATE-----\nQ29tbXVuaXR5\n-----END CERTIFICATE-----\n";

let small: SmallImage;
let folder: string;
let disk: string;

let place = "";
beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), "cbox-small-image-"));
  small = await smallImage(place);
});
afterAll(() => rm(place, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await scratch();
  disk = join(folder, "disk.img");
});

const flash = (...words: string[]): Promise<Ended> => cbox(["flash", ...words]).ended;
const flashTo = (target: string, ...words: string[]) =>
  flash("vm-amd64", target, "--out", small.out, ...words);
const flashSmall = (...words: string[]) => flashTo(disk, ...words);

/** A file that stands for a used card: filled as far as an image of `size` bytes reaches, and with marks at its end. */
async function usedCard(size: number, bytes = 8 * GB): Promise<void> {
  const filler = Buffer.alloc(MIB, GARBAGE);
  const file = await open(disk, "w");
  for (let at = 0; at < size; at += MIB) await file.write(filler, 0, MIB, at);
  await file.write(filler, 0, MIB, bytes - MIB);
  await file.close();
}

async function bytesAt(path: string, start: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    return (await file.read(Buffer.alloc(length), 0, length, start)).buffer;
  } finally {
    await file.close();
  }
}

const mapOf = async (packed: string) =>
  parseBlockMap(await readFile(packed.replace(".img.zst", ".bmap"), "utf8"), "the map");

/** That a range of the disk holds what the image does. */
async function expectWritten(
  { start, length }: Pick<MappedRange, "start" | "length">,
  raw: string,
): Promise<void> {
  for (let at = start; at < start + length; at += 64 * MIB) {
    const piece = Math.min(64 * MIB, start + length - at);
    const [ours, theirs] = [await bytesAt(disk, at, piece), await bytesAt(raw, at, piece)];
    expect.soft(ours.equals(theirs), `written from ${at}`).toBe(true);
  }
}

const isAll = (bytes: Buffer, value: number) => bytes.equals(Buffer.alloc(bytes.length, value));

/** A copy of the small image beside its manifest, to be spoilt. */
async function copyOfImage(): Promise<{ out: string; image: string }> {
  const out = join(folder, "out");
  await cp(small.out, out, { recursive: true });
  return { out, image: join(out, basename(small.packed)) };
}

describe("flashing onto a file", () => {
  test("writes the mapped ranges byte by byte and nothing else, and erases old signatures", async () => {
    const { manifest, raw, packed } = await builtImage("vm-amd64");
    await usedCard(manifest.image.raw_size);
    const { code, output } = await flash("vm-amd64", disk, "--yes");
    expect(output).toMatch(/\[done\] disk\.img is ready: \d+ MB written in .* every byte right\./);
    expect(code).toBe(0);

    const map = await mapOf(packed);
    let end = 0;
    for (const { start, length } of map.ranges) {
      // Before the first partition, and nowhere else inside the image, the gap is blanked.
      const gap = await bytesAt(disk, end, start - end);
      const blanked = Math.max(0, MIB - end);
      expect.soft(isAll(gap.subarray(0, blanked), 0), `blank from ${end}`).toBe(true);
      expect.soft(isAll(gap.subarray(blanked), GARBAGE), `untouched from ${end}`).toBe(true);
      await expectWritten({ start, length }, raw);
      end = start + length;
    }
    expect((await stat(disk)).size).toBe(8 * GB);
    expect(isAll(await bytesAt(disk, 8 * GB - MIB, MIB), 0)).toBe(true);

    // What the map leaves out must be of no meaning to the file system, its inode tables and its journal included.
    const root = `${disk}?offset=${manifest.disk.partitions.root.start * 512}`;
    expect(spawnSync("e2fsck", ["-fn", root], { encoding: "utf8" })).toMatchObject({ status: 0 });
    const groups = spawnSync("dumpe2fs", [root], { encoding: "utf8" }).stdout;
    const tables = [...groups.matchAll(/Inode table at (\d+)-(\d+)/g)].map(([, from, to]) => [
      Number(from),
      Number(to),
    ]);
    expect(tables.length).toBeGreaterThan(4);
    const filler = Buffer.alloc(4096, GARBAGE);
    for (const [from, to] of tables) {
      const at = manifest.disk.partitions.root.start * 512 + from! * 4096;
      expect
        .soft((await bytesAt(disk, at, (to! - from! + 1) * 4096)).includes(filler), `table ${from}`)
        .toBe(false);
    }
  });

  test("puts answers, Wi-Fi and an authority onto CBOX-BOOT unchanged, including comments", async () => {
    const answers = join(folder, "box.yaml");
    const authority = join(folder, "ca.pem");
    await writeFile(answers, ANSWERS);
    await writeFile(authority, AUTHORITY);
    const passphrase = join(folder, "passphrase");
    await writeFile(passphrase, "cargol groc\n");
    const wifi = ["--wifi", "Can Bruixa", "--wifi-passphrase", passphrase, "--wifi-country", "ES"];
    const files = ["--answers", answers, ...wifi, "--ca", authority, "--yes"];
    // The image of a virtual machine has no programs for Wi-Fi, as its lists say; those of this copy say that it has.
    const refused = await flashSmall(...files);
    expect(refused).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /\[answers-refused\]\nfound: .*network\.wifi: This box has no Wi-Fi card/,
      ),
    });
    const { out, image } = await copyOfImage();
    const path = join(out, listsFile(small.manifest.name));
    const lists = JSON.parse(await readFile(path, "utf8")) as ImageLists;
    const programs = { "/usr/sbin/wpa_supplicant": "", "/usr/sbin/wpa_cli": "", "/usr/sbin/iw": "" };
    await writeFile(path, JSON.stringify({ ...lists, files: { ...lists.files, ...programs } }));
    const { code, output } = await flash("vm-amd64", disk, "--out", out, ...files, "--json");
    expect(output).not.toContain("cargol groc");
    expect({ code, output: JSON.parse(output) }).toMatchObject({
      code: 0,
      output: {
        ...{ image, profile: "vm-amd64", target: disk, kind: "file", verified: true },
        files: ["answers.yaml", "ca.pem"],
      },
    });
    // A new file is as large as the smallest disk this box takes.
    expect((await stat(disk)).size).toBe(small.manifest.profile.disk.minimum_gib * 2 ** 30);
    const partition = await bootPartition(disk);
    const kept = await partition.get("answers.yaml");
    expect(kept).toContain("# the house of the witch");
    expect(parse(kept!)).toEqual({
      ...parse(ANSWERS),
      network: { wifi: { ssid: "Can Bruixa", passphrase: "cargol groc", country: "ES" } },
    });
    expect(await partition.get("ca.pem")).toBe(AUTHORITY);
    // The image's own, for who has no such command.
    expect(await partition.get(EXAMPLE_FILE)).toBe(exampleOnCard(small.manifest.profile));
  });

  test("writes a box of a fleet by its row", async () => {
    const [list, base] = [join(folder, "boxes.csv"), join(folder, "base.yaml")];
    await writeFile(base, ANSWERS);
    await writeFile(list, "system.hostname,node.id,node.accept_licence\na-box,1,yes\nb-box,2,yes\n");
    const words = ["--fleet", list, "--base", base, "--yes", "--no-verify", "--row"];
    expect((await flashSmall(...words, "17")).output).toMatch(/has no box in row 17\. \[fleet-row-missing\]/);
    const { output } = await flashSmall(...words, "3");
    expect(output).toMatch(/\[done\].*not read back/);
    const kept = parse((await (await bootPartition(disk)).get("answers.yaml"))!);
    expect(kept).toMatchObject({ system: { hostname: "b-box" }, node: { id: 2 } });
  });

  test("refuses wrong answers with line and field, and writes nothing", async () => {
    const answers = join(folder, "box.yaml");
    await writeFile(answers, ANSWERS.replace("can-bruixa", "can bruixa"));
    const { code, output } = await flashSmall("--answers", answers, "--yes");
    expect(output).toMatch(
      /\[answers-refused\]\nfound: .*box\.yaml:3: system\.hostname: A host name has only/,
    );
    expect(code).toBe(1);
    expect(existsSync(disk)).toBe(false);
  });

  test("writes an image without map and manifest completely", async () => {
    const stray = join(folder, "stray.img.zst");
    await symlink(small.packed, stray);
    await writeFile(disk, "");
    await truncate(disk, small.manifest.image.raw_size);
    const { output } = await flash(stray, disk, "--yes");
    expect(output).toContain(`${Math.round(small.manifest.image.raw_size / 1e6)} MB written`);
    expect(spawnSync("cmp", [disk, small.raw])).toMatchObject({ status: 0 });
  });
});

describe("flashing, before anything is erased,", () => {
  beforeEach(() => writeFile(disk, "my photographs").then(() => truncate(disk, 5 * GB)));
  const untouched = async () => (await bytesAt(disk, 0, 14)).toString() === "my photographs";

  test.each([
    [
      "half a download",
      (image: string) => truncate(image, 1000),
      /\[image-damaged\]\nfound: 1000 bytes of \d+: the download is not complete/,
    ],
    [
      "a changed byte",
      (image: string) => spoil(image, 1_000_000),
      /is not complete, or not as it was made\. \[image-damaged\]\nfound: its SHA-256 is/,
    ],
  ])("checks an image by its manifest: %s", async (_what, damage, said) => {
    const { out, image } = await copyOfImage();
    await damage(image);
    const { code, output } = await flash("vm-amd64", disk, "--out", out, "--yes");
    expect(output).toMatch(said);
    expect(code).toBe(1);
    expect(await untouched()).toBe(true);
  });

  test.each([
    [
      "half a download",
      async (image: string) => truncate(image, Math.floor((await stat(image)).size / 2)),
      /\[image-damaged\]\nfound: .*Read error .*premature end/,
    ],
    [
      "a changed byte",
      (image: string) => spoil(image, 1_000_000),
      /\[image-damaged\]\nfound: .*(Decoding error|checksum|Corrupt)/i,
    ],
    [
      "another block map",
      (_: string) => writeFile(join(folder, "box.bmap"), "<bmap>"),
      /block map .*box\.bmap is damaged\. \[image-damaged\]/,
    ],
  ])("checks an image without a manifest by unpacking it once: %s", async (_what, damage, said) => {
    const image = join(folder, "box.img.zst");
    await copyFile(small.packed, image);
    await damage(image);
    const { output } = await flash(image, disk, "--yes");
    expect(output).toMatch(said);
    expect(await untouched()).toBe(true);
  });

  test("does not check a block map of another build, which fails while writing", async () => {
    const { out, image } = await copyOfImage();
    const path = image.replace(".img.zst", ".bmap");
    const other = (await readFile(path, "utf8")).replace(/(?<=chksum=")[0-9a-f]/, (digit) =>
      digit === "0" ? "1" : "0",
    );
    const own = /<BmapFileChecksum>\s*(\S+)/.exec(other)![1]!;
    const blank = other.replace(own, "0".repeat(own.length));
    await writeFile(path, other.replace(own, createHash("sha256").update(blank).digest("hex")));
    const { code, output } = await flash("vm-amd64", disk, "--out", out, "--yes");
    expect(output).toMatch(/is not what its block map says\..* write to it again\. \[image-damaged\]/);
    expect(code).toBe(1);
    expect(isAll(await bytesAt(disk, 0, MIB), 0)).toBe(true);
  });

  test("distinguishes foreign images from images for another box", async () => {
    const photo = join(folder, "photo.img");
    await writeFile(photo, Buffer.alloc(4 * MIB, 1));
    expect((await flash(photo, disk, "--yes")).output).toMatch(
      /This is not the image that was asked for\. \[image-foreign\]\nfound: .*photo\.img holds no partition CBOX-BOOT/,
    );
    const virtual = join(folder, "box.qcow2.img");
    spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", virtual, "1G"]);
    expect((await flash(virtual, disk, "--yes")).output).toMatch(
      /This is a disk of a virtual machine \(qcow2\), not an image for a disk\. \[image-foreign\]/,
    );
    const { out } = await copyOfImage();
    const other = {
      ...small.manifest,
      profile: { ...small.manifest.profile, id: "raspberry-pi", title: "Raspberry Pi" },
    };
    await writeFile(join(out, "manifest.json"), JSON.stringify(other));
    expect((await flash("vm-amd64", disk, "--out", out, "--yes")).output).toMatch(
      /\[image-foreign\]\nfound: .* is made for raspberry-pi \(Raspberry Pi\)/,
    );
    expect((await flash("vm-amd64", disk, "--out", join(folder, "empty"), "--yes")).output).toMatch(
      /There is no such image yet\. \[image-missing\][\s\S]*hint: {2}\.\/cbox build vm-amd64/,
    );
    expect((await flash("vm-amd65", disk, "--yes")).output).toMatch(/\[profile-unknown\]/);
    expect(await untouched()).toBe(true);
  });

  test("asks to type the disk's name, and stops at any other word", async () => {
    expect((await flashSmall()).output).toMatch(
      /Nobody has confirmed that disk\.img may be erased\. \[not-confirmed\]\nfound: no terminal/,
    );
    const no = await onTerminal(["flash", "vm-amd64", disk, "--out", small.out], "yes");
    expect(no).toMatch(/The file .*disk\.img, 5\.0 GB\. In it:\s+no partitions/);
    expect(no).toMatch(/Stopped: nothing was written to disk\.img\. \[not-confirmed\]\s+found: "yes"/);
    expect(await untouched()).toBe(true);
    const yes = await onTerminal(["flash", "vm-amd64", disk, "--out", small.out, "--no-verify"], "disk.img");
    // The bar is drawn over itself, with share, rate and time left.
    expect(yes).toMatch(
      /\rWriting {2}\[#+\.+\] +\d+ % {2}\d+ of \d+ MB {2}[\d.]+ MB\/s {2}\d+:\d\d left|\x1b\[KWriting {2}\[/,
    );
    expect(yes).toMatch(/\[done\] disk\.img is ready/);
    expect(await untouched()).toBe(false);
  });

  test("refuses the disk of this machine, even with --force", async () => {
    const { stdout } = spawnSync("findmnt", ["--noheadings", "--output", "SOURCE", "--nofsroot", "/"], {
      encoding: "utf8",
    });
    const source = stdout.trim();
    if (!source.startsWith("/dev/")) return;
    const { output } = await flash("vm-amd64", source, "--yes", "--force");
    expect(output).toMatch(/\[disk-is-system\]|\[disk-is-partition\]/);
  });
});

describe("flashing that is interrupted", () => {
  test("by a full disk fails with a message, and leaves nothing that starts", async () => {
    await usedCard(small.manifest.image.raw_size);
    // The kernel refuses to write further than a little into the root file system: what a full one does, without one.
    const limit = small.manifest.disk.partitions.root.start * 512 + MIB;
    const flashing = [...CLI, "flash", "vm-amd64", disk, "--out", small.out, "--yes"];
    const words = ["prlimit", `--fsize=${limit}`, ...flashing];
    const { code, output } = await run(words).ended;
    expect(output).toMatch(
      /error: .*disk\.img is full: there is not enough room for the image\. .* is neither what it was nor a box now: write to it again\. \[target-full\]/,
    );
    expect(code).toBe(1);
    expect(isAll(await bytesAt(disk, 0, MIB), 0)).toBe(true);
  });

  test("by missing space is refused beforehand, and leaves no new file", async () => {
    const full = join(folder, "full");
    await mkdir(full);
    const inside = `mount -t tmpfs -o size=10M none ${full} && ${CLI.join(" ")} flash vm-amd64 ${full}/disk.img --out ${small.out} --yes; ls ${full}`;
    const { output } = await run(["unshare", "--mount", "sh", "-c", inside]).ended;
    expect(output).toMatch(
      /There is not enough room for .*disk\.img\. \[target-full\]\nfound: 10 MB free, \d+ MB needed/,
    );
    expect(output).not.toMatch(/^disk\.img$/m);
  });

  test("by Ctrl-C removes a new file, and leaves nothing that starts on a used one", async () => {
    await usedCard(MIB);
    const running = cbox(["flash", "vm-amd64", disk, "--yes"]);
    await running.until(/as a disk/);
    // It has begun once the old start of the disk is erased.
    while (!isAll(await bytesAt(disk, 0, 4096), 0)) await new Promise((done) => setTimeout(done, 20));
    running.process.kill("SIGINT");
    const { code, output } = await running.ended;
    expect(output).toMatch(
      /Stopped by Ctrl-C\. .* is neither what it was nor a box now: write to it again\. \[interrupted\]/,
    );
    expect(code).toBe(130);
    expect(isAll(await bytesAt(disk, 0, MIB), 0)).toBe(true);
  });
});

/** Loop devices are used as cards: programs see them as block devices. Machines without them skip this. */
describe.skipIf(!hasLoop())("flashing onto a block device", () => {
  const attach = (path: string): string => {
    const { stdout, stderr } = spawnSync("losetup", ["--find", "--show", path], { encoding: "utf8" });
    if (!stdout) throw new Error(stderr);
    const device = stdout.trim();
    onTestFinished(() => void spawnSync("losetup", ["--detach", device]));
    return device;
  };

  test("needs --force when it is built in, refuses one in use, and then writes it byte by byte", async () => {
    await usedCard(small.manifest.image.raw_size);
    const device = attach(disk);
    expect((await flashTo(device, "--yes")).output).toMatch(
      /is built into this computer.*\[disk-not-removable\]/,
    );
    const holder = await open(device, constants.O_RDONLY | constants.O_EXCL);
    expect((await flashTo(device, "--yes", "--force")).output).toMatch(
      new RegExp(`error: ${device} is in use\\. \\[disk-in-use\\]`),
    );
    await holder.close();
    const answers = join(folder, "box.yaml");
    await writeFile(answers, ANSWERS);
    const { output } = await flashTo(device, "--yes", "--force", "--answers", answers);
    expect(output).toMatch(
      /\[done\] loop\d+ is ready: .* every byte right\.\nOn CBOX-BOOT: answers\.yaml\.\nYou may take it out now\./,
    );
    expect(parse((await (await bootPartition(disk)).get("answers.yaml"))!)).toEqual(parse(ANSWERS));
    const from = small.manifest.disk.partitions.root.start * 512;
    const { ranges } = await mapOf(small.packed);
    const inRoot = ranges.filter(({ start }) => start >= from);
    expect(inRoot.length).toBeGreaterThan(1);
    for (const range of inRoot) await expectWritten(range, small.raw);
  });

  test("that fails to store data stops with a message, and leaves nothing that starts", async () => {
    // The device promises 5 GB, and the memory behind it has 10 MB: what a worn-out or counterfeit card does.
    const memory = join(folder, "memory");
    await mkdir(memory);
    const inside = [
      `mount -t tmpfs -o size=10M none ${memory}`,
      `truncate --size 5G ${memory}/card`,
      `device=$(losetup --find --show ${memory}/card)`,
      `${CLI.join(" ")} flash vm-amd64 $device --out ${small.out} --yes --force; echo "code $?"`,
      "head -c 1M $device | tr -d '\\0' | wc -c",
      "losetup --detach $device",
    ].join("; ");
    const { output } = await run(["unshare", "--mount", "sh", "-c", inside]).ended;
    expect(output).toMatch(
      /error: \/dev\/loop\d+ does not take what is written to it, or does not give it back\. .* write to it again\. \[disk-broken\]/,
    );
    expect(output).toMatch(/code 1\n0\n$/);
  });
});

async function spoil(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([buffer[0]! ^ 0xff]), 0, 1, at);
  await file.close();
}

function hasLoop(): boolean {
  const { status } = spawnSync("losetup", ["--find"]);
  return status === 0;
}

/** Runs cbox on a terminal of its own; `typed` is what the person answers. Resolves to the screen. */
function onTerminal(words: readonly string[], typed: string): Promise<string> {
  const child = spawn(
    "script",
    ["--quiet", "--return", "--command", [...CLI, ...words].join(" "), "/dev/null"],
    {
      cwd: PROJECT,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  let screen = "";
  let isAnswered = false;
  child.stdout.on("data", (chunk) => {
    screen += chunk;
    if (isAnswered || !screen.includes(" to stop: ")) return;
    isAnswered = true;
    child.stdin.write(`${typed}\n`);
  });
  return new Promise((resolve) => child.on("close", () => resolve(screen)));
}
