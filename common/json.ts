// SPDX-License-Identifier: GPL-3.0-or-later
// The types of JSON data, and parsing of untrusted JSON.

/** Any JSON value, and therefore any value in an answers file. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** The parsed text, or `otherwise` if it is not JSON. */
export function parseJson<T>(text: string, otherwise: T): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return otherwise;
  }
}
