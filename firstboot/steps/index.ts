// SPDX-License-Identifier: GPL-3.0-or-later
// The walk's steps, in order. The machine, the prompts, the answers file and its schema follow from this list.

import { network } from "./network/index.ts";
import { services } from "./services/index.ts";
import type { Step } from "./step.ts";
import { system } from "./system/index.ts";

export const steps: readonly Step[] = [system, network, services];
