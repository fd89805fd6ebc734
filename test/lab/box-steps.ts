// SPDX-License-Identifier: GPL-3.0-or-later
// Part of a box as a program of the lab: looks up, applies and verifies the steps "member" and "node" with a box's
// own clients, on files below /srv/box. Its argument and its output are JSON.
import { mkdir, rm } from "node:fs/promises";
import type { Community } from "../../common/community.ts";
import { readRegistration } from "../../firstboot/guifi/store.ts";
import { takeAuthorities } from "../../firstboot/host/authorities.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { linuxBox } from "../../firstboot/host/linux.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { type Trouble, toTrouble } from "../../firstboot/host/trouble.ts";
import type { Answers, Finding, Step, StepTools, Warning } from "../../firstboot/setup/step.ts";
import { member } from "../../firstboot/steps/member/index.ts";
import { node } from "../../firstboot/steps/node/index.ts";

const ROOT = "/srv/box";

export interface BoxOrder {
  readonly community: Community;
  readonly mac: string;
  /** ca.pem on the boot partition; none: the box trusts public authorities alone. */
  readonly authority?: string;
  readonly member: Answers;
  /** Absent: only the step "member" is run. */
  readonly node?: Answers;
  /** Deletes the files of an earlier run, as flashing the disk would. */
  readonly isNew?: boolean;
}

export interface StepResult {
  readonly found: Finding;
  /** Milliseconds that the look-up took. */
  readonly took: number;
  readonly trouble?: Trouble;
  readonly warnings?: readonly Warning[];
}

export interface BoxResult {
  readonly member: StepResult;
  readonly node?: StepResult;
  readonly kept: Awaited<ReturnType<typeof readRegistration>>;
}

const order = JSON.parse(process.argv[2] ?? "{}") as BoxOrder;
const box = linuxBox({ root: ROOT });
const image = { version: "test", boot_mount: "/boot/efi", community: order.community } as ImageInfo;

if (order.isNew) await rm(ROOT, { recursive: true, force: true });
await mkdir(ROOT, { recursive: true });
for (const [path, text] of Object.entries({
  "/sys/class/net/eth0/type": "1",
  "/sys/class/net/eth0/address": order.mac,
  "/sys/class/net/eth0/carrier": "1",
  "/sys/class/net/eth0/device/vendor": "0",
})) {
  await box.writeFile(path, `${text}\n`);
}
await box.remove(paths.authorities);
await box.remove("/boot/efi/ca.pem");
if (order.authority) await box.writeFile("/boot/efi/ca.pem", order.authority);
await takeAuthorities(box, image, () => {});

const all: Record<string, Answers> = { member: order.member, node: order.node ?? {} };
const tools: StepTools = {
  box,
  image,
  skippedSteps: new Set(),
  providedSecrets: new Set(["member.password"]),
  answersOf: (id) => all[id] ?? {},
  progress: () => {},
  signal: new AbortController().signal,
};

async function run(step: Step, path: string): Promise<StepResult> {
  const answers = all[step.id] ?? {};
  const before = Date.now();
  const found = (await step.lookUp?.run(path, answers, tools)) ?? {};
  const took = Date.now() - before;
  try {
    await step.apply(answers, tools);
    return { found, took, warnings: await step.verify(answers, tools) };
  } catch (error) {
    return { found, took, trouble: toTrouble(error) };
  }
}

const result: BoxResult = {
  member: await run(member, "password"),
  ...(order.node ? { node: await run(node, "id") } : {}),
  kept: await readRegistration(box),
};
process.stdout.write(JSON.stringify(result));
