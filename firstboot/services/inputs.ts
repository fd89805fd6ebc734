// SPDX-License-Identifier: GPL-3.0-or-later
// Evaluates the owner's inputs of a service: which of its conditions hold, and the items of a list.

import type { Value } from "../../common/json.ts";
import type { When } from "../../common/service.ts";

export type Inputs = { readonly [name: string]: Value };

/** Without a condition: true. */
export function conditionMet(when: When | undefined, inputs: Inputs): boolean {
  return Object.entries(when ?? {}).every(([name, values]) =>
    [values].flat().map(String).includes(String(inputs[name])),
  );
}

/** "anna, pere" -> anna, pere; without duplicates. */
export function toList(value: Value | undefined): string[] {
  return [...new Set(String(value ?? "").split(/[\s,]+/))].filter(Boolean);
}
