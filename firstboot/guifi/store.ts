// SPDX-License-Identifier: GPL-3.0-or-later
// What the box remembers of its registration: /etc/community-box/guifi.json. No secrets in it; readable by all.

import { parseJson } from "../../common/json.ts";
import { type Box, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";

export interface Registration {
  readonly member?: {
    readonly name: string;
    /** Who said that the password is right. */
    readonly confirmed_by: "directory" | "web-site";
  };
  /** The consent: what to, by whom, and when (a day). */
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
  /** Where the box was before it moved; its device there is for its member to remove. */
  readonly former?: {
    readonly node: { readonly id: number; readonly name: string };
    readonly device: { readonly id: number; readonly name: string };
  };
  /** Declared services, by their short name at the site. */
  readonly services?: { readonly [nick: string]: { readonly id: number; readonly type: string } };
}

export async function readRegistration(box: Pick<Box, "readFile">): Promise<Registration> {
  const kept = parseJson<unknown>((await box.readFile(paths.guifi)) ?? "{}", {});
  return typeof kept === "object" && kept !== null && !Array.isArray(kept) ? kept : {};
}

/** Replaces the parts named; `undefined` takes one out. */
export async function remember(
  box: Box,
  parts: { readonly [Part in keyof Registration]: Registration[Part] | undefined },
): Promise<void> {
  const before = await readRegistration(box);
  const kept = { ...before, ...parts };
  if (JSON.stringify(kept) === JSON.stringify(before)) return;
  await writeIfChanged(box, paths.guifi, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o644 });
}
