// SPDX-License-Identifier: GPL-3.0-or-later
// Stage "verify": opens the finished image, not the build directory, and reports everything that is wrong with it.
// A build whose image does not pass has failed.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkBoot } from "../boot/check.ts";
import { openImageFiles } from "../disk/image-files.ts";
import { type DiskLayout, MIB, type Partition, SECTOR } from "../disk/layout.ts";
import type { DiskTools } from "../disk/tools.ts";
import type { Session } from "../host/session.ts";
import type { DiskManifest } from "../published/manifest.ts";
import { CONTEXT_DIRECTORY, CONTEXT_FILES } from "./context.ts";
import { failOnFindings } from "./failed-checks.ts";
import { findSecrets } from "./secrets-gate.ts";
import { checkHardware } from "./verify-hardware.ts";

export interface VerifyOptions {
  readonly tools: DiskTools;
  readonly manifest: DiskManifest;
  /** The compressed image, as published. */
  readonly packed: string;
  /** The raw image it was made from; checked to hold the same bytes. */
  readonly raw: string;
  /** Scratch directory; removed again. */
  readonly scratch: string;
}

/** One thing that is wrong, as a sentence. */
export type Finding = string;

export async function verify(session: Session, options: VerifyOptions): Promise<void> {
  const findings = await inspect(session, options);
  failOnFindings(options.packed, findings, session.logDirectory);
}

/** Everything that is wrong with the image, as published and as built; empty when it is sound. */
export async function inspect(session: Session, options: VerifyOptions): Promise<Finding[]> {
  const { manifest, packed } = options;
  session.note("unpacking, comparing and checking the file systems");
  const [unpacked, findings] = await Promise.all([sha256OfPacked(packed), inspectRaw(options)]);
  return unpacked === manifest.image.raw_sha256
    ? findings
    : [`${packed} does not unpack to the image that was built`];
}

/** Everything that is wrong inside the raw image; empty when it is sound. */
export async function inspectRaw({
  manifest,
  raw,
  tools,
  scratch,
}: Omit<VerifyOptions, "packed">): Promise<Finding[]> {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  try {
    const root = `${raw}?offset=${manifest.disk.partitions.root.start * SECTOR}`;
    const damage = await Promise.all([
      checkTable(tools, raw, manifest.disk),
      checkFileSystems(tools, raw, root, manifest.disk, scratch),
    ]);
    if (damage.flat().length > 0) return damage.flat();
    const files = openImageFiles(tools, raw, manifest.disk, scratch);
    const content = [
      checkBoot(files, manifest),
      checkSecrets(tools, root, scratch),
      ...(manifest.profile.contexts === "none" ? [] : [checkTemplate(tools, root, scratch)]),
      checkHardware(tools, root, manifest.profile, scratch),
    ];
    return (await Promise.all(content)).flat();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function sha256OfPacked(packed: string): Promise<string> {
  const hash = createHash("sha256");
  const child = spawn("zstd", ["-q", "-d", "-c", packed], { stdio: ["ignore", "pipe", "ignore"] });
  for await (const chunk of child.stdout) hash.update(chunk);
  return hash.digest("hex");
}

interface SfdiskTable {
  readonly partitiontable: {
    readonly label: string;
    readonly id: string;
    readonly partitions: readonly { start: number; size: number; type: string; uuid: string }[];
  };
}

async function checkTable(tools: DiskTools, raw: string, layout: DiskLayout): Promise<Finding[]> {
  const { partitiontable: table } = JSON.parse(await tools.tool("sfdisk", ["--json", raw])) as SfdiskTable;
  const findings: Finding[] = [];
  if (table.label !== "gpt") findings.push(`partition table is ${table.label}, expected gpt`);
  Object.values(layout.partitions).forEach((expected: Partition, index) => {
    const found = table.partitions[index];
    const same =
      found?.start === expected.start &&
      found.size === expected.size &&
      found.type === expected.type &&
      found.uuid === expected.uuid;
    if (!same) findings.push(`partition ${expected.number} (${expected.name}) is not where the layout says`);
  });
  // When the first table is damaged, sfdisk uses the backup and only warns on standard error.
  const problems = await tools.tool("sfdisk", ["--verify", raw], { allow: [1], errors: true });
  if (!/No errors detected/.test(problems) || /corrupt/.test(problems))
    findings.push(`sfdisk --verify: ${problems.trim()}`);
  return findings;
}

async function checkFileSystems(
  tools: DiskTools,
  raw: string,
  root: string,
  layout: DiskLayout,
  scratch: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const fat = join(scratch, "boot.fat");
  await extract(raw, layout.partitions.boot, fat);
  await tools.tool("fsck.fat", ["-n", fat]).catch((error: Error) => {
    findings.push(`the file system CBOX-BOOT is damaged: ${error.message}`);
  });
  await tools.tool("e2fsck", ["-f", "-n", root]).catch((error: Error) => {
    findings.push(`the root file system is damaged: ${error.message}`);
  });
  return findings;
}

/** Extracts the folders that may hold secrets from the image and searches them. */
async function checkSecrets(tools: DiskTools, root: string, scratch: string): Promise<Finding[]> {
  const tree = join(scratch, "tree");
  await mkdir(join(tree, "var"), { recursive: true });
  await mkdir(join(tree, "usr/lib"), { recursive: true });
  const commands = [
    `rdump /etc ${tree}`,
    `rdump /root ${tree}`,
    `rdump /home ${tree}`,
    `rdump /var/lib ${tree}/var`,
    `rdump /usr/lib/community-box ${tree}/usr/lib`,
  ];
  await tools.tool("debugfs", ["-f", "-", root], { input: `${commands.join("\n")}\n` });
  return findSecrets(tree);
}

/** Every context is a copy of the template, so an identity in it would be shared by all. */
async function checkTemplate(tools: DiskTools, root: string, scratch: string): Promise<Finding[]> {
  const packed = join(scratch, CONTEXT_FILES.rootfs);
  const tree = join(scratch, "template");
  const place = `/${CONTEXT_DIRECTORY}/${CONTEXT_FILES.rootfs}`;
  await tools.tool("debugfs", ["-R", `dump ${place} ${packed}`, root]);
  const places = ["etc", "root", "home", "var/lib"];
  try {
    await tools.tool("unsquashfs", ["-no-progress", "-quiet", "-no-xattrs", "-d", tree, packed, ...places]);
  } catch (error) {
    return [`the template of contexts is missing or damaged: ${(error as Error).message}`];
  }
  return (await findSecrets(tree)).map((finding) => `in the template of contexts: ${finding}`);
}

async function extract(raw: string, partition: Partition, target: string): Promise<void> {
  const out = await open(target, "w");
  const start = partition.start * SECTOR;
  const stream = createReadStream(raw, {
    start,
    end: start + partition.size * SECTOR - 1,
    highWaterMark: MIB,
  });
  try {
    for await (const chunk of stream) await out.write(chunk as Buffer);
  } finally {
    await out.close();
  }
}
