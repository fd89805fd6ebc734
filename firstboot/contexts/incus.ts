// SPDX-License-Identifier: GPL-3.0-or-later
// Incus, by its command line: `incus query` uses its REST API (https://linuxcontainers.org/incus/docs/main/api/) and
// waits for operations. Names in URLs are validated before: none can change the path.

import { parseJson } from "../../common/json.ts";
import { type Box, runOrFail } from "../host/box.ts";

export type Config = Readonly<Record<string, string>>;

export interface Instance {
  readonly name: string;
  readonly status: string;
  readonly type: string;
  /** Its own settings, without those from its profiles. */
  readonly config: Config;
  readonly expanded_config: Config;
  readonly devices: Readonly<Record<string, Config>>;
  readonly expanded_devices: Readonly<Record<string, Config>>;
  /** Current use; absent when it is not running. */
  readonly state?: InstanceState | null;
}

export interface InstanceState {
  readonly memory?: { readonly usage?: number };
  readonly processes?: number;
  readonly disk?: Readonly<Record<string, { readonly usage?: number }>> | null;
  readonly network?: Readonly<Record<string, { readonly addresses?: readonly InstanceAddress[] }>> | null;
}

interface InstanceAddress {
  readonly family: string;
  readonly address: string;
  /** "global", "link" or "local". */
  readonly scope?: string;
}

export async function get<T>(box: Box, path: string): Promise<T | undefined> {
  const { code, stdout } = await box.run("incus", ["query", path]);
  return code === 0 ? parseJson<T | undefined>(stdout, undefined) : undefined;
}

/** Changes something and waits until it is done. Throws Failure `command-failed`. */
export async function send(
  box: Box,
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  data?: object,
): Promise<void> {
  const body = data ? ["--data", JSON.stringify(data)] : [];
  await runOrFail(box, "incus", ["query", "--wait", "--request", method, ...body, path]);
}

/** The instances of a project with their current use. Empty when Incus does not answer. */
export async function instancesOf(box: Box, project: string): Promise<readonly Instance[]> {
  return (await get<readonly Instance[]>(box, `/1.0/instances?project=${project}&recursion=2`)) ?? [];
}

/** "512MiB", "2GiB" -> MiB; undefined if it is not a size. */
export function parseMib(text: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d+)(MiB|GiB)$/.exec(text ?? "") ?? [];
  return digits ? Number(digits) * (unit === "GiB" ? 1024 : 1) : undefined;
}
