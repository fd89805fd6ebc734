// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the machine's snapshot on disk. An unreadable one is renamed, never deleted, and does not stop the set-up.

import type { Snapshot } from "xstate";
import type { Box } from "../host/box.ts";

/** Increased when the machine's states or context change their meaning. */
const SNAPSHOT_VERSION = 3;

/** In version 2 these parts of the context had other names; the rest is the same. */
const FORMER_VERSION = 2;
const FORMER_NAMES: Readonly<Record<string, string>> = {
  given: "providedSecrets",
  kept: "retainedSecrets",
  settled: "completedSteps",
  passed: "skippedSteps",
};

export async function saveSnapshot(box: Box, path: string, snapshot: Snapshot<unknown>): Promise<void> {
  const content = JSON.stringify({ version: SNAPSHOT_VERSION, snapshot }, undefined, 2);
  await box.writeFile(path, `${content}\n`, { mode: 0o600 });
}

export interface Loaded {
  readonly snapshot?: Snapshot<unknown>;
  /** The new path of the unreadable snapshot. */
  readonly putAside?: string;
}

/** `isUsable` says whether the machine of this release can resume the snapshot. */
export async function loadSnapshot(
  box: Box,
  path: string,
  isUsable: (snapshot: Snapshot<unknown>) => boolean,
): Promise<Loaded> {
  const text = await box.readFile(path);
  if (text === undefined) return {};
  const snapshot = parse(text);
  if (snapshot && isUsable(snapshot)) return { snapshot };
  // The set-up had finished; the next one starts from the beginning.
  if (snapshot?.status === "done") return {};
  return { putAside: await putAside(box, path) };
}

function parse(text: string): Snapshot<unknown> | undefined {
  try {
    const { version, snapshot } = JSON.parse(text) as { version?: unknown; snapshot?: SavedSnapshot };
    if (version === FORMER_VERSION && snapshot) return withPresentNames(snapshot);
    return version === SNAPSHOT_VERSION ? snapshot : undefined;
  } catch {
    return undefined;
  }
}

type SavedSnapshot = Snapshot<unknown> & { readonly context?: object };

function withPresentNames(snapshot: SavedSnapshot): SavedSnapshot {
  const context = Object.entries(snapshot.context ?? {}).map(([name, value]) => [
    FORMER_NAMES[name] ?? name,
    value,
  ]);
  return { ...snapshot, context: Object.fromEntries(context) };
}

async function putAside(box: Box, from: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = `${from}.bad-${number}`;
    if (await box.exists(path)) continue;
    await box.rename(from, path);
    return path;
  }
}
