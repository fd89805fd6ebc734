// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox publish`: announces by Serf what is enabled and really listens. A timer runs it; nothing stays resident. It
// also moves Serf to a new address, so that a cable can be connected later, and updates the port forwarding into the
// contexts (services/forward.ts).

import {
  decodeServices,
  type Filter,
  type FittedServices,
  fitServices,
  type PublishedService,
  SERVICES_TAG,
} from "../../common/serf-payload.ts";
import { catchUpWalls } from "../contexts/filters.ts";
import { configureSerf, SERF_UNIT, type SerfInfo, waitForSerf } from "../discovery/serf.ts";
import { isKeyRefused } from "../discovery/serf-rpc.ts";
import { type Box, runOrFail } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import { paths } from "../host/paths.ts";
import { english, type Translate } from "../i18n/translate.ts";
import { announceByAvahi, announcements } from "./announce.ts";
import { forwardPorts } from "./forward.ts";

const SERF_WAIT_SECONDS = 30;

export type PublishReason = "serf-disabled" | "no-address" | "serf-silent";

/** Stored in /run for `cbox status`. */
export interface PublishResult {
  readonly at: string;
  readonly published: readonly PublishedService[];
  /** Enabled, but nothing listens on the port. */
  readonly silent: readonly string[];
  /** No room left in the tag. */
  readonly omitted: readonly string[];
  /** Left out because older nodes could not parse it. */
  readonly refused: readonly string[];
  readonly bytes: number;
  /** Why nothing at all could be published. */
  readonly reason?: PublishReason;
}

/**
 * Called by the timer, the watch on listening ports and commands, maybe at once: the last one to begin decides.
 * `log` and `t`: where its messages go, and their language; the journal is English.
 */
export async function publish(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void = () => {},
  t: Translate = english,
): Promise<PublishResult> {
  return box.inTurn(paths.publishLock, async () => {
    // First: later changes of ports trigger the watch again. If this fails, it only triggers too often.
    await box.run(paths.watchListeners, ["--note"]);
    await catchUpWalls(box, log);
    await forwardPorts(box, image, log);
    const result = await publishNow(box, image, log, t);
    await box.writeFile(paths.published, `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  });
}

async function publishNow(
  box: Box,
  image: ImageInfo,
  log: (line: string) => void,
  t: Translate,
): Promise<PublishResult> {
  const nothing = (reason: PublishReason): PublishResult => {
    log(t("publish.nothing", { reason: t(`status.reason.${reason}`) }));
    return {
      at: box.now().toISOString(),
      published: [],
      silent: [],
      omitted: [],
      refused: [],
      bytes: 0,
      reason,
    };
  };
  if (!(await isEnabled(box, SERF_UNIT))) return nothing("serf-disabled");
  const { address, changed } = await configureSerf(box, image);
  if (!address) return nothing("no-address");
  // Also after a power cut between writing the file and restarting: "start" has no effect if it runs already.
  await runOrFail(box, "systemctl", [changed || (await isKeyRefused(box)) ? "restart" : "start", SERF_UNIT]);
  if (changed) log(t("publish.address", { address }));
  const info = await waitForSerf(box, SERF_WAIT_SECONDS);
  if (!info) return nothing("serf-silent");

  const { ready, silent } = await announcements(box, image, address);
  const { [SERVICES_TAG]: current, ...otherTags } = info.tags;
  const { tag_budget_bytes: limit } = image.community.serf;
  const fitted = await fitServices(ready, filterOf(box), { otherTags, limit });
  await setTag(box, fitted, current, (values) => log(t("publish.tag", values)));
  // Avahi has no limit of size.
  await announceByAvahi(box, ready);
  const omitted = fitted.omitted.map(({ s }) => s);
  if (omitted.length) log(t("publish.omitted", { names: omitted.join(", ") }));
  for (const { service, fault } of fitted.refused) log(t("publish.refused", { name: service.s, fault }));
  return {
    ...{ at: box.now().toISOString(), published: fitted.published, silent, omitted },
    ...{ refused: fitted.refused.map(({ service }) => service.s), bytes: fitted.bytes },
  };
}

async function setTag(
  box: Box,
  { tag, bytes }: FittedServices,
  current: string | undefined,
  told: (values: { readonly tag: string; readonly bytes: number }) => void,
) {
  if (tag === (current ?? "")) return;
  const change = tag ? ["-set", `${SERVICES_TAG}=${tag}`] : ["-delete", SERVICES_TAG];
  await runOrFail(box, paths.serfRpc, ["tags", ...change]);
  told({ tag: SERVICES_TAG, bytes });
}

export async function isEnabled(box: Box, unit: string): Promise<boolean> {
  return (await box.run("systemctl", ["is-enabled", "--quiet", unit])).code === 0;
}

/** The services in the agent's current tag, as other nodes see them. */
export async function announced(box: Box, info: SerfInfo): Promise<PublishedService[]> {
  const tag = info.tags[SERVICES_TAG];
  return tag ? decodeServices(tag, filterOf(box)).catch(() => []) : [];
}

function filterOf(box: Box): Filter {
  return (command, input) => box.filter(command, input);
}
