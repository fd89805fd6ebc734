// SPDX-License-Identifier: GPL-3.0-or-later
// Entries that a service could not accept, and why, from the file that it writes (left_out in its definition).

import { parseJson } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import type { Place } from "./place.ts";

/** One line per entry; empty without permission to read. Undefined for a service without such a file. */
export async function readLeftOut(
  place: Pick<Place, "readFile">,
  { left_out: file }: Pick<Service, "left_out">,
): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined;
  const text = await place.readFile(file).catch(() => undefined);
  const left = parseJson<unknown>(text ?? "[]", []);
  return Array.isArray(left) ? left.filter((each) => typeof each === "string") : [];
}
