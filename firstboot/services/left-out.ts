// SPDX-License-Identifier: GPL-3.0-or-later
// What a service could not take of what it was given, and why, as it has written it down (left_out in its entry).

import { parseJson } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import type { Place } from "./place.ts";

/** One line for each entry; none where nobody may look. Undefined of a service that writes nothing of the kind. */
export async function readLeftOut(
  place: Pick<Place, "readFile">,
  { left_out: file }: Pick<Service, "left_out">,
): Promise<readonly string[] | undefined> {
  if (file === undefined) return undefined;
  const text = await place.readFile(file).catch(() => undefined);
  const left = parseJson<unknown>(text ?? "[]", []);
  return Array.isArray(left) ? left.filter((each) => typeof each === "string") : [];
}
