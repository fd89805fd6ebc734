// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox status`: the state of the box, for a person or (--json) for a program. Works for every user of the box.

import { parseArgs } from "node:util";
import type { Value } from "../../common/json.ts";
import { printable } from "../../common/printable.ts";
import { sayJson, sayLines } from "../../common/say.ts";
import { wrap } from "../console/ascii.ts";
import { stepName, warningText } from "../console/pages.ts";
import { serfInfo } from "../discovery/serf.ts";
import type { Box } from "../host/box.ts";
import { type ImageInfo, readImageInfo } from "../host/image-info.ts";
import { linuxBox } from "../host/linux.ts";
import { readChoices } from "../host/owner-settings.ts";
import { paths } from "../host/paths.ts";
import { type Translate, translator } from "../i18n/translate.ts";
import { readMarker } from "../setup/marker.ts";
import type { Step, StepStatus, Warning } from "../setup/step.ts";
import { type Summary, summarize } from "../setup/summary.ts";
import { steps as allSteps } from "../steps/index.ts";

export interface Status extends Summary {
  readonly version: string;
  readonly profile: string;
  readonly consoles: readonly string[];
  readonly language: string;
  readonly configured: boolean;
  readonly configured_at?: string;
  /** Steps of the set-up that report a state, in order. */
  readonly steps: readonly NamedStatus[];
  readonly warnings: readonly Warning[];
  /** Steps that were set up again but interrupted. */
  readonly unfinished: readonly string[];
}

export interface NamedStatus extends StepStatus {
  readonly id: string;
}

export async function status(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean" } } });
  const box = linuxBox();
  const found = await readStatus(box, await readImageInfo(box));
  if (values.json) sayJson(statusData(found));
  else sayLines(statusText(found, translator(found.language)).trimEnd());
}

/** `cbox <step>`: the state of one step. */
export async function stepStatus(step: Step, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: "boolean" } } });
  const box = linuxBox();
  const image = await readImageInfo(box);
  const found = await statusOf(step, box, image);
  const { language = image.community.default_language } = await readChoices(box);
  if (values.json) sayJson(stepData(found));
  else sayLines(stepStatusText(found, translator(language)).trimEnd());
}

/** Output for programs, without labels and advice. */
export function stepData({ id, state, data }: NamedStatus): { readonly [name: string]: Value } {
  return { step: id, state, ...data };
}

export function statusData({ steps, ...rest }: Status): object {
  return { ...rest, steps: steps.map(stepData) };
}

export async function readStatus(
  box: Box,
  image: ImageInfo,
  steps: readonly Step[] = allSteps,
): Promise<Status> {
  const marker = await readMarker(box);
  const { language = image.community.default_language } = await readChoices(box);
  const found = marker ? await statusOfAll(steps, box, image) : [];
  return {
    ...(await summarize(box)),
    version: image.version,
    profile: image.profile.id,
    consoles: image.consoles.map(({ device }) => device),
    language,
    configured: marker !== undefined,
    ...(marker?.configured ? { configured_at: marker.configured } : {}),
    steps: found,
    warnings: await stillTrue(box, marker?.warnings ?? [], found),
    unfinished: await unfinishedSetups(box, steps),
  };
}

async function statusOfAll(steps: readonly Step[], box: Box, image: ImageInfo): Promise<NamedStatus[]> {
  const able = steps.filter(({ status }) => status);
  return Promise.all(able.map((step) => statusOf(step, box, image)));
}

/** A step that fails to report or lacks permission must not prevent the others. */
export async function statusOf(step: Step, box: Box, image: ImageInfo): Promise<NamedStatus> {
  const unknown: StepStatus = {
    state: "trouble",
    rows: [],
    advice: { key: "status.unknown", values: { command: `sudo cbox ${step.id} setup` } },
    data: {},
  };
  return { id: step.id, ...((await step.status?.(box, image).catch(() => undefined)) ?? unknown) };
}

async function unfinishedSetups(box: Box, steps: readonly Step[]): Promise<string[]> {
  const found: string[] = [];
  for (const { id } of steps) if (await box.exists(paths.setupState(id))) found.push(id);
  return found;
}

const OF_REGISTRATION = new Set([
  "node-renamed",
  "node-no-address",
  "node-address-differs",
  "node-left-behind",
]);

/** What was missing at the end of the set-up may work since. */
async function stillTrue(
  box: Box,
  warnings: readonly Warning[],
  found: readonly NamedStatus[],
): Promise<readonly Warning[]> {
  const working = new Set(found.filter(({ state }) => state === "works").map(({ id }) => id));
  const isOff = found.some(({ id, state }) => id === "node" && state === "off");
  const left = warnings.filter(({ code, step }) => {
    // The status rows show their current state.
    if (code === "updates-kept-back" || code === "services-one-copy") return false;
    // About a registration that was removed since.
    if (isOff && OF_REGISTRATION.has(code)) return false;
    const from = step ?? code.replace(/-passed$/, "");
    // The step reports these itself while they apply.
    if (code === "vpn-waiting" || code === "vpn-same-address") return false;
    if (code === "vpn-no-peers") return !hasPeers(found);
    return !(code === `${from}-passed` && working.has(from));
  });
  const passing = new Set(["serf-no-address", "serf-no-peers", "services-passed", "network-passed"]);
  if (!left.some(({ code }) => passing.has(code))) return left;
  const info = await serfInfo(box);
  return left.filter(
    ({ code }) => !passing.has(code) || !info || (code === "serf-no-peers" && info.members < 2),
  );
}

function hasPeers(found: readonly NamedStatus[]): boolean {
  const { peers } = found.find(({ id }) => id === "vpn")?.data ?? {};
  return Array.isArray(peers) && peers.length > 0;
}

const WIDTH = 80;
/** For boxes whose set-up does not run at the consoles. */
const SETUP = "sudo cbox setup";
/** Columns before the value of a row. */
const VALUE_COLUMN = 19;

function row(label: string, value: string): string[] {
  const room = WIDTH - VALUE_COLUMN;
  const [first = "", ...more] = wrap(printable(value), room);
  return [
    `  ${label.padEnd(VALUE_COLUMN - 3)} ${first}`,
    ...more.map((line) => `${" ".repeat(VALUE_COLUMN)}${line.trimStart()}`),
  ];
}

/** These are already shown at the top of the page. */
const IN_HEAD = new Set(["system", "network"]);

/** At most 80 columns wide. */
export function statusText(found: Status, t: Translate): string {
  const title = { hostname: found.hostname, version: found.version, profile: found.profile };
  const lines = wrap(t("status.title", title), WIDTH, "  ");
  if (!found.configured) {
    const consoles = found.consoles.join(", ");
    const where = consoles
      ? t("status.not-configured", { consoles })
      : t("status.not-converted", { command: SETUP });
    lines.push(...wrap(where, WIDTH, "  "));
    return `${lines.join("\n")}\n`;
  }
  if (found.configured_at) lines.push(t("status.configured", { since: found.configured_at.slice(0, 10) }));
  lines.push("", ...row(t("status.addresses"), found.addresses.join(", ") || t("status.no-address")));
  for (const address of found.addresses) lines.push(...row(t("status.ssh"), `ssh ${found.owner}@${address}`));
  for (const [index, print] of found.fingerprints.entries()) {
    lines.push(...row(index === 0 ? t("status.fingerprints") : "", print));
  }
  const updates = found.steps
    .find(({ id }) => id === "system")
    ?.rows.find(({ label }) => label === "label.system.updates");
  if (updates) lines.push(...row(t(updates.label), updates.value));
  for (const step of found.steps.filter(({ id }) => !IN_HEAD.has(id))) lines.push("", ...stepLines(step, t));
  const notes = [
    ...found.warnings.map((warning) => warningText(t, warning)),
    ...found.unfinished.map((id) =>
      t("status.unfinished", { step: stepName(t, id), command: `sudo cbox ${id} setup` }),
    ),
  ];
  if (notes.length) lines.push("", t("status.warnings"));
  for (const note of notes) lines.push(...wrap(`  ! ${note}`, WIDTH, "    "));
  return `${lines.join("\n")}\n`;
}

export function stepStatusText(found: NamedStatus, t: Translate): string {
  return `${stepLines(found, t).join("\n")}\n`;
}

function stepLines({ id, state, rows, advice }: NamedStatus, t: Translate): string[] {
  return [
    `${stepName(t, id)}: ${t(`status.state.${state}`)}`,
    ...rows.flatMap(({ label, value, text }) => row(t(label), text ? t(text.key, text.values) : value)),
    ...(advice ? wrap(`  > ${t(advice.key, advice.values)}`, WIDTH, "    ") : []),
  ];
}
