// SPDX-License-Identifier: GPL-3.0-or-later
// The box's record of its registration: /etc/community-box/guifi.json. No secrets; readable by everyone.

import { parseJson } from "../../common/json.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";

export interface Registration {
  readonly member?: {
    readonly name: string;
    /** Who confirmed the password. */
    readonly confirmed_by: "directory" | "web-site";
  };
  /** The consent: to what, by whom, and on which day. */
  readonly licence?: {
    readonly title: string;
    readonly version: string;
    readonly url: string;
    readonly member: string;
    readonly accepted: string;
  };
  readonly node?: { readonly id: number; readonly name: string };
  readonly device?: {
    readonly id: number;
    readonly name: string;
    readonly mac?: string;
    readonly address?: string;
    readonly mask?: string;
  };
  /** The former node after a move; its member has to remove the device there. */
  readonly former?: {
    readonly node: { readonly id: number; readonly name: string };
    readonly device: { readonly id: number; readonly name: string };
  };
  /** Declared services, by their short names at the site. */
  readonly services?: { readonly [nick: string]: { readonly id: number; readonly type: string } };
}

export async function readRegistration(box: Pick<Box, "readFile">): Promise<Registration> {
  const kept = parseJson<unknown>((await box.readFile(paths.guifi)) ?? "{}", {});
  return typeof kept === "object" && kept !== null && !Array.isArray(kept) ? kept : {};
}

/** Replaces the given parts; `undefined` removes one. */
export async function remember(
  box: Box,
  parts: { readonly [Part in keyof Registration]: Registration[Part] | undefined },
): Promise<void> {
  const before = await readRegistration(box);
  const kept = { ...before, ...parts };
  if (JSON.stringify(kept) === JSON.stringify(before)) return;
  await writeIfChanged(box, paths.guifi, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o644 });
}
