// SPDX-License-Identifier: GPL-3.0-or-later
// Services whose first visitor becomes their administrator (`first_account: visitor`): other machines do not reach them
// until the owner of the box has made that account, by a tunnel of SSH, and says so.

import type { Service } from "../../common/service.ts";
import type { Place } from "./place.ts";
import type { ServiceState } from "./state.ts";

/** Without a note it was on before notes were kept, and everybody could reach it: that stays so. */
export function isUnclaimed(
  { first_account: account }: Service,
  { claimed }: Pick<ServiceState, "claimed">,
): boolean {
  return account === "visitor" && claimed === false;
}

/**
 * Has it an account of its owner's in this place? Only where it has been on and has its data still. Undefined for a
 * service where no visitor could take one.
 */
export async function wasClaimed(
  place: Place,
  service: Service,
  before: ServiceState | undefined,
): Promise<boolean | undefined> {
  if (service.first_account !== "visitor") return undefined;
  if (before?.where !== place.id) return false;
  const { claimed = before.state !== "starting" } = before;
  if (!claimed) return false;
  for (const path of service.data) if (!(await place.exists(path))) return false;
  return true;
}
