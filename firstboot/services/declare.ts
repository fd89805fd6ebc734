// SPDX-License-Identifier: GPL-3.0-or-later
// Declares a service to the community's web application, where it has such a type and knows this box. What is not
// declared still runs: the step says so at the end.

import type { PlaceId, Service } from "../../common/service.ts";
import type { StepTools } from "../steps/step.ts";
import type { ServiceState } from "./state.ts";

/** The number under which the service is known, when it has one. Called before its files are written. */
export async function declare(
  _tools: StepTools,
  service: Service,
  _where: PlaceId,
  _inputs: ServiceState["inputs"],
): Promise<{ readonly declared?: string }> {
  if (!service.guifi) return {};
  return {};
}
