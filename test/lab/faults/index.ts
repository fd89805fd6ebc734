// SPDX-License-Identifier: GPL-3.0-or-later
// The faults the lab knows: one line per kind, each beside the server it breaks.
import type { Fault } from "../fault.ts";

export const FAULTS: readonly Fault[] = [];
