// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox status`: how the box is doing, for a person or (--json) for a program. Works for every user of the box.

import { parseArgs } from "node:util";
import type { Box } from "../box.ts";
import { linuxBox } from "../box-linux.ts";
import { isTextKey, type Translate, translator } from "../i18n.ts";
import { type ImageInfo, readImageInfo } from "../image-info.ts";
import { paths } from "../paths.ts";
import { isEnabled, type PublishResult } from "../publish.ts";
import { SERF_UNIT, serfInfo, serfPort } from "../serf.ts";
import type { Warning } from "../steps/step.ts";
import { readChoices } from "../steps/system/apply.ts";
import { type Summary, summarize } from "../summary.ts";
import { parseJson } from "../world.ts";

export interface Status extends Summary {
  readonly version: string;
  readonly profile: string;
  readonly consoles: readonly string[];
  readonly language: string;
  readonly configured: boolean;
  readonly configured_at?: string;
  readonly services: readonly ServiceStatus[];
  readonly warnings: readonly Warning[];
}

export interface ServiceStatus {
  readonly id: string;
  readonly enabled: boolean;
  readonly healthy: boolean;
  readonly published: boolean;
  readonly address?: string;
  readonly port: number;
  /** Why it is not published: a key below `status.reason.`. */
  readonly reason?: string;
  /** Nodes that discovery sees, this one included. */
  readonly members?: number;
}

export async function status(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean" } } });
  const box = linuxBox();
  const found = await readStatus(box, await readImageInfo(box));
  process.stdout.write(
    values.json ? `${JSON.stringify(found, undefined, 2)}\n` : statusText(found, translator(found.language)),
  );
}

export async function readStatus(box: Box, image: ImageInfo): Promise<Status> {
  const marker = await box.readFile(paths.configured);
  const { configured, warnings } = parseJson<{ configured?: string; warnings?: Warning[] }>(
    marker ?? "{}",
    {},
  );
  const { language = image.community.default_language } = await readChoices(box);
  return {
    ...(await summarize(box)),
    version: image.version,
    profile: image.profile.id,
    consoles: image.consoles.map(({ device }) => device),
    language,
    configured: marker !== undefined,
    ...(configured ? { configured_at: configured } : {}),
    services: marker === undefined ? [] : [await discoveryStatus(box, image)],
    warnings: await stillTrue(box, warnings ?? []),
  };
}

async function discoveryStatus(box: Box, image: ImageInfo): Promise<ServiceStatus> {
  const port = serfPort(image);
  if (!(await isEnabled(box, SERF_UNIT))) {
    return { id: "serf", enabled: false, healthy: false, published: false, port, reason: "serf-disabled" };
  }
  const info = await serfInfo(box);
  const result = parseJson<Partial<PublishResult>>((await box.readFile(paths.published)) ?? "{}", {});
  const own = result.published?.find(({ s }) => s === "serf");
  const isPublished = own !== undefined && info?.tags.services !== undefined;
  return {
    id: "serf",
    enabled: true,
    healthy: info !== undefined,
    published: isPublished,
    port,
    ...(own && isPublished ? { address: own.i } : { reason: whyNot(result) }),
    ...(info ? { members: info.members } : {}),
  };
}

function whyNot({ reason, omitted, silent }: Partial<PublishResult>): string {
  if (reason) return reason;
  if (omitted?.includes("serf")) return "omitted";
  return silent?.includes("serf") ? "silent" : "unknown";
}

/** What was missing at the end of the set-up may have come since. */
async function stillTrue(box: Box, warnings: readonly Warning[]): Promise<readonly Warning[]> {
  const passing = new Set(["serf-no-address", "serf-no-peers", "services-passed", "network-passed"]);
  if (!warnings.some(({ code }) => passing.has(code))) return warnings;
  const info = await serfInfo(box);
  return warnings.filter(
    ({ code }) => !passing.has(code) || !info || (code === "serf-no-peers" && info.members < 2),
  );
}

/** At most 80 columns wide. */
export function statusText(found: Status, t: Translate): string {
  const row = (label: string, value: string) => `  ${label.padEnd(16)} ${value}`;
  const title = { hostname: found.hostname, version: found.version, profile: found.profile };
  const lines = [t("status.title", title)];
  if (!found.configured) {
    lines.push(t("status.not-configured", { consoles: found.consoles.join(", ") }));
    return `${lines.join("\n")}\n`;
  }
  if (found.configured_at) lines.push(t("status.configured", { since: found.configured_at.slice(0, 10) }));
  lines.push("", row(t("status.addresses"), found.addresses.join(", ") || t("status.no-address")));
  for (const address of found.addresses) lines.push(row(t("status.ssh"), `ssh ${found.owner}@${address}`));
  for (const [index, print] of found.fingerprints.entries()) {
    lines.push(row(index === 0 ? t("status.fingerprints") : "", print));
  }
  lines.push("", t("status.services"));
  for (const service of found.services) lines.push(...serviceLines(service, t, row));
  if (found.warnings.length) {
    lines.push("", t("status.warnings"));
    for (const { code, values } of found.warnings) {
      const key: string = `warning.${code}`;
      lines.push(`  ! ${isTextKey(key) ? t(key, values) : code}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function serviceLines(
  service: ServiceStatus,
  t: Translate,
  row: (label: string, value: string) => string,
): string[] {
  const { enabled, healthy, published, address = "", port, reason = "unknown", members } = service;
  if (!enabled) return [row(service.id, t("status.disabled"))];
  const reasonKey = `status.reason.${reason}`;
  const why = isTextKey(reasonKey) ? t(reasonKey) : reason;
  return [
    row(service.id, t(healthy ? "status.healthy" : "status.unhealthy")),
    row(
      "",
      published ? t("status.published", { address, port }) : t("status.not-published", { reason: why }),
    ),
    ...(members === undefined ? [] : [row("", t("status.members", { count: members }))]),
  ];
}
