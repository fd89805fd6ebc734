// SPDX-License-Identifier: GPL-3.0-or-later
// JSON as data: what can stand in it, and reading what somebody else has written.

/** Any value of JSON, and so anything that can stand in an answers file. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** What the text says, or `otherwise` where it is no JSON. */
export function parseJson<T>(text: string, otherwise: T): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}
