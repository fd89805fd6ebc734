// SPDX-License-Identifier: GPL-3.0-or-later
// Services that keep files on several boxes: how many boxes there are now, and storing files again so that boxes that
// joined later get copies, too.

import type { Service } from "../../common/service.ts";
import { runOrFail } from "../host/box.ts";
import { templateData } from "./data.ts";
import type { EngineTools } from "./engine.ts";
import { placeOf } from "./place.ts";
import type { ServiceState } from "./state.ts";
import { renderer } from "./template.ts";

export interface Copies {
  /** Boxes that accept copies now, including this one. */
  readonly boxes: number;
  /** The wanted number of copies of a file. */
  readonly wanted: number;
}

/** Undefined for a service without copies, or if it does not report them. */
export async function copiesOf(
  tools: EngineTools,
  service: Service,
  state: ServiceState,
): Promise<Copies | undefined> {
  const { copies } = service;
  if (!copies) return undefined;
  const place = placeOf(tools.box, state.where);
  const [command = "", ...args] = copies.count;
  const { code, stdout } = await place.run(command, args);
  const boxes = Number(stdout.trim() || Number.NaN);
  if (code !== 0 || !Number.isInteger(boxes)) return undefined;
  const data = await templateData(tools, service, place, state);
  return { boxes, wanted: Number((await renderer())(copies.wanted, data, "copies.wanted")) };
}

export interface Spread {
  /** Boxes that have the file now; undefined if the key is not valid. */
  readonly boxes?: number;
  readonly key: string;
  /** The key differs from the former one. */
  readonly isNew: boolean;
}

/** Enough for many gigabytes over a slow radio link. */
const SPREAD_MS = 24 * 60 * 60_000;

/** `keys`: one per line. Fails with `command-failed`. */
export async function spreadFiles(
  { box }: EngineTools,
  { copies }: Service,
  { where }: ServiceState,
  keys: string,
): Promise<Spread[]> {
  const [command = "", ...args] = copies?.spread ?? [];
  const output = await runOrFail(placeOf(box, where), command, args, { input: keys, timeout: SPREAD_MS });
  const before = new Set(keys.split("\n").map((line) => line.trim()));
  return output
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [count = "", ...rest] = line.split(" ");
      const key = rest.join(" ");
      return { key, isNew: !before.has(key), ...(count === "-" ? {} : { boxes: Number(count) }) };
    });
}
