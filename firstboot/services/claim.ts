// SPDX-License-Identifier: GPL-3.0-or-later
// Services whose first visitor becomes their administrator (`first_account: visitor`): other machines cannot reach
// them until the owner has made that account through an SSH tunnel, and confirms it.

import type { Service } from "../../common/service.ts";
import type { Place } from "./place.ts";
import type { ServiceState } from "./state.ts";

/** Without a recorded value the service was on before claims existed, and reachable by everybody: that stays so. */
export function isUnclaimed(
  { first_account: account }: Service,
  { claimed }: Pick<ServiceState, "claimed">,
): boolean {
  return account === "visitor" && claimed === false;
}

/**
 * Has the owner made its account in this place? Only if it has been on and still has its data. Undefined for a
 * service without a first account to claim.
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
