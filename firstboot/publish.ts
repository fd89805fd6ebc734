// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: announces by Serf what is enabled and really listens. A timer runs it; nothing stays resident.
// It also notices a new address and moves Serf there, so a cable plugged in later needs nobody.

import {
  decodeServices,
  type Filter,
  type FittedServices,
  fitServices,
  type PublishedService,
  SERVICES_TAG,
} from "../common/serf-payload.ts";
import { type Box, must } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";
import { paths } from "./paths.ts";
import { configureSerf, SERF_RPC, SERF_UNIT, type SerfInfo, serfPort, waitForSerf } from "./serf.ts";
import { listeningPorts } from "./world.ts";

const SERF_WAIT_SECONDS = 30;

export type PublishReason = "serf-disabled" | "no-address" | "serf-silent";

/** Kept in /run for `cbox status`. */
export interface PublishResult {
  readonly at: string;
  readonly published: readonly PublishedService[];
  /** Enabled, but nothing listens on the port. */
  readonly silent: readonly string[];
  /** No room in the tag. */
  readonly omitted: readonly string[];
  readonly bytes: number;
  /** Why nothing could be published at all. */
  readonly reason?: PublishReason;
}

export async function publish(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void = () => {},
): Promise<PublishResult> {
  const result = await publishNow(box, image, log);
  await box.writeFile(paths.published, `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}

async function publishNow(box: Box, image: ImageInfo, log: (line: string) => void): Promise<PublishResult> {
  const nothing = (reason: PublishReason): PublishResult => {
    log(`nothing published: ${reason}`);
    return { at: box.now().toISOString(), published: [], silent: [], omitted: [], bytes: 0, reason };
  };
  if (!(await isEnabled(box, SERF_UNIT))) return nothing("serf-disabled");
  const { address, changed } = await configureSerf(box, image);
  if (!address) return nothing("no-address");
  // Also after a cut between writing the file and restarting: "start" does nothing when it runs already.
  await must(box, "systemctl", [changed ? "restart" : "start", SERF_UNIT], { timeout: 90_000 });
  if (changed) log(`Serf now listens on ${address}`);
  const info = await waitForSerf(box, SERF_WAIT_SECONDS);
  if (!info) return nothing("serf-silent");

  const { ready, silent } = await findServices(box, image, address);
  const { [SERVICES_TAG]: current, ...otherTags } = info.tags;
  const { tag_budget_bytes: limit } = image.community.serf;
  const fitted = await fitServices(ready, filterOf(box), { otherTags, limit });
  await setTag(box, fitted, current, log);
  const omitted = fitted.omitted.map(({ s }) => s);
  if (omitted.length) log(`no room in the tag for: ${omitted.join(", ")}`);
  return { at: box.now().toISOString(), published: fitted.published, silent, omitted, bytes: fitted.bytes };
}

async function setTag(
  box: Box,
  { tag, bytes }: FittedServices,
  current: string | undefined,
  log: (line: string) => void,
) {
  if (tag === (current ?? "")) return;
  const change = tag ? ["-set", `${SERVICES_TAG}=${tag}`] : ["-delete", SERVICES_TAG];
  await must(box, "serf", ["tags", `-rpc-addr=${SERF_RPC}`, ...change], { timeout: 30_000 });
  log(`tag "${SERVICES_TAG}" set, ${bytes} bytes of metadata`);
}

interface Candidate {
  readonly type: string;
  readonly description: string;
  readonly port: number;
  readonly unit: string;
}

/** What the box could publish, most important first. The service catalogue will add to it. */
function candidates(image: ImageInfo): Candidate[] {
  return [{ type: "serf", description: "SERF instance running", port: serfPort(image), unit: SERF_UNIT }];
}

async function findServices(box: Box, image: ImageInfo, address: string) {
  const listening = listeningPorts((await box.run("ss", ["-Hlntu"])).stdout);
  const { cloud, microcloud } = image.community.serf;
  const hostname = ((await box.readFile("/etc/hostname")) ?? "").trim();
  const ready: PublishedService[] = [];
  const silent: string[] = [];
  for (const { type, description, port, unit } of candidates(image)) {
    if (!(await isEnabled(box, unit))) continue;
    if (!listening.has(port)) {
      silent.push(type);
      continue;
    }
    const host = `${hostname}.${cloud}.local`;
    ready.push({ s: type, d: description, m: host, i: address, p: String(port), e: microcloud, t: "" });
  }
  return { ready, silent };
}

export async function isEnabled(box: Box, unit: string): Promise<boolean> {
  return (await box.run("systemctl", ["is-enabled", "--quiet", unit])).code === 0;
}

/** The services in the tag that the agent announces now: what other nodes see. */
export async function announced(box: Box, info: SerfInfo): Promise<PublishedService[]> {
  const tag = info.tags[SERVICES_TAG];
  return tag ? decodeServices(tag, filterOf(box)).catch(() => []) : [];
}

function filterOf(box: Box): Filter {
  return (command, input) => box.filter(command, input);
}
