// SPDX-License-Identifier: GPL-3.0-or-later
// Makes data read-only, for the compiler and at run time.

export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

export function freeze<T>(value: T): Frozen<T> {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value as Frozen<T>;
}
