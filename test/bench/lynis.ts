// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench lynis`: audits a box with Lynis, an auditor of Unix systems: an image that is set up by its answers
// file in the lab, with a context of its owner and one of the community. Lynis itself is no part of the image.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx";
import { fail } from "../../common/fail.ts";
import { interruption } from "../../image/host/interrupt.ts";
import { PROJECT } from "../../image/host/paths.ts";
import { makeScratch } from "../../image/host/scratch.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { openImage } from "../../image/published/locate-image.ts";
import { BOOT_MS, type Box, createBox } from "../boot/harness.ts";
import { subject } from "../boot/subject.ts";
import { labUp } from "../lab/lab.ts";
import { thisMachine } from "./machine.ts";

const PAGE = join(PROJECT, "test/bench/lynis.md");
const APPLY_MS = 2_400_000;
/** On CBOX-BOOT, whose files are text. */
const PACKED = "lynis.txt";

const ANSWERS = `version: 1
system:
  language: en
  hostname: bench
  owner: { name: anna, password: "cargol groc damunt la teulada" }
network: { method: dhcp }
contexts: { share: half }
`;

export interface LynisReport {
  readonly version: string;
  /** 0 to 100. */
  readonly hardeningIndex: number;
  readonly tests: number;
  readonly warnings: readonly LynisFinding[];
  readonly suggestions: readonly LynisFinding[];
}

export interface LynisFinding {
  /** Such as SSH-7408. */
  readonly test: string;
  readonly text: string;
  /** Its subject, where Lynis gives details beyond the text. */
  readonly detail: string;
}

/**
 * Reads lynis-report.dat: lines `key=value`, findings as `warning[]=TEST|text|detail|solution|`.
 * @throws Failure `lynis-unread` where the index is missing
 */
export function parseLynis(text: string): LynisReport {
  const lines = text.split("\n").flatMap((line): [string, string][] => {
    const [, key, value] = /^([\w[\]-]+)=(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value ?? ""]];
  });
  const one = (key: string) => lines.find(([name]) => name === key)?.[1] ?? "";
  const findings = (key: string) =>
    lines
      .filter(([name]) => name === `${key}[]`)
      .map(([, value]): LynisFinding => {
        const [test = "", said = "", detail = ""] = value.split("|");
        return { test, text: said, detail: detail === "-" ? "" : detail };
      });
  const index = one("hardening_index");
  if (!/^\d+$/.test(index)) {
    fail({
      code: "lynis-unread",
      what: "The report of Lynis has no hardening index.",
      found: JSON.stringify(text.slice(-200)),
      hint: "its log is in the guest until the command ends; run it again",
    });
  }
  return {
    version: one("lynis_version"),
    hardeningIndex: Number(index),
    tests: Number(one("lynis_tests_done")),
    warnings: findings("warning"),
    suggestions: findings("suggestion"),
  };
}

export interface LynisPage {
  readonly date: Date;
  readonly machine: string;
  /** File name. */
  readonly image: string;
  readonly report: LynisReport;
}

export function formatLynis({ date, machine, image, report }: LynisPage): string {
  const list = (findings: readonly LynisFinding[]) =>
    findings.map(({ test, text, detail }) => `| \`${test}\` | ${cell(text)} | ${cell(detail)} |`);
  const table = (title: string, findings: readonly LynisFinding[]) =>
    findings.length === 0
      ? []
      : ["", `## ${title}`, "", "| test | what it says | about |", "|---|---|---|", ...list(findings)];
  return [
    "# What Lynis says about a box",
    "",
    `Written by \`./cbox bench lynis\` on ${date.toISOString().slice(0, 10)}: ${machine}; ${image}, set up by an answers file, with both contexts.`,
    `Lynis ${report.version} made ${report.tests} tests.`,
    "",
    `**Hardening index: ${report.hardeningIndex} of 100**, ${report.warnings.length} warnings, ${report.suggestions.length} suggestions.`,
    ...table("Warnings", report.warnings),
    ...table("Suggestions", report.suggestions),
    "",
  ].join("\n");
}

const cell = (text: string) => text.replaceAll("|", "\\|");

/**
 * Boots the image, sets it up and audits it; ten minutes on two cores without KVM.
 * @param image file to audit instead of the newest image of vm-amd64; then no page is written
 */
export async function measureLynis(image?: string): Promise<{ report: LynisReport; page?: string }> {
  const it = await subject("vm-amd64");
  const opened = image === undefined ? undefined : await openImage(image);
  const packed = await packedLynis();
  const lab = await labUp({
    name: "lynis",
    community: loadCommunity("guifi"),
    root: await labRoot(),
    signal: interruption(),
  });
  try {
    const files = { "answers.yaml": ANSWERS, "ca.pem": lab.authority(), [PACKED]: packed };
    const path = opened?.path ?? it.image;
    const box = await createBox({ ...it, image: path, lab, ownDisk: true, memoryMib: 2048, files });
    try {
      await box.powerOn();
      await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + APPLY_MS });
      const report = parseLynis(await audit(box));
      if (opened) return { report };
      const page = { date: new Date(), machine: await thisMachine(), image: it.manifest.image.file, report };
      await writeFile(PAGE, formatLynis(page));
      return { report, page: PAGE };
    } finally {
      await box.destroy();
    }
  } finally {
    await lab.down();
  }
}

/** This machine's package of Lynis, which is a shell script, unpacked and packed as text. */
async function packedLynis(): Promise<string> {
  const scratch = makeScratch();
  try {
    const quiet = $({ quiet: true, cwd: scratch.path });
    await quiet`apt-get -qq download lynis`;
    await quiet`dpkg-deb --extract ${(await quiet`ls`).stdout.trim()} root`;
    return (
      await quiet`tar -cz -C root/usr/share/lynis . -C ../../../etc/lynis . -C ../../usr/sbin lynis | base64`
    ).stdout;
  } finally {
    scratch.remove();
  }
}

/** The text of its report. */
async function audit(box: Box): Promise<string> {
  await box.ask("systemctl is-system-running --wait || true", { timeoutMs: BOOT_MS });
  const card = "/run/lynis-card";
  await box.ask(
    `mkdir -p ${card} /run/lynis && mount LABEL=CBOX-BOOT ${card} && base64 -d ${card}/${PACKED} | tar -xz --no-same-owner -C /run/lynis && umount ${card}`,
  );
  const files =
    "--report-file /run/lynis/report.dat --log-file /run/lynis/lynis.log --profile /run/lynis/default.prf";
  await box.shell(`cd /run/lynis && sh ./lynis audit system --quick --quiet --no-colors ${files}`, {
    timeoutMs: APPLY_MS,
  });
  return box.ask("cat /run/lynis/report.dat");
}
