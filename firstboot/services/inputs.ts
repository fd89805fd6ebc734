// SPDX-License-Identifier: GPL-3.0-or-later
// What follows from the owner's choices for one service: which of its conditions hold, and the words of a list.

import type { Value } from "../../common/json.ts";
import type { When } from "../../common/service.ts";

export type Inputs = { readonly [name: string]: Value };

/** Without a condition: always. */
export function conditionMet(when: When | undefined, inputs: Inputs): boolean {
  return Object.entries(when ?? {}).every(([name, values]) =>
    [values].flat().map(String).includes(String(inputs[name])),
  );
}

/** "anna, pere" -> anna, pere; each once. */
export function toList(value: Value | undefined): string[] {
  return [...new Set(String(value ?? "").split(/[\s,]+/))].filter(Boolean);
}
