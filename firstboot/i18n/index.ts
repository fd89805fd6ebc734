// SPDX-License-Identifier: GPL-3.0-or-later
// All texts combined: those of the steps, which are in their directories, and one file for each other kind.

import { commands as caCommands } from "./ca/commands.ts";
import { common as caCommon } from "./ca/common.ts";
import { errors as caErrors } from "./ca/errors.ts";
import { commands as enCommands } from "./en/commands.ts";
import { common as enCommon } from "./en/common.ts";
import { errors as enErrors } from "./en/errors.ts";
import { commands as esCommands } from "./es/commands.ts";
import { common as esCommon } from "./es/common.ts";
import { errors as esErrors } from "./es/errors.ts";
import { ca as caSteps, en as enSteps, es as esSteps } from "./steps.ts";
import type { Translation } from "./translation.ts";

/** The reference: its keys are the type of a text. */
export const en = { ...enCommon, ...enSteps, ...enCommands, ...enErrors };

export const ca = { ...caCommon, ...caSteps, ...caCommands, ...caErrors } satisfies Translation<typeof en>;

export const es = { ...esCommon, ...esSteps, ...esCommands, ...esErrors } satisfies Translation<typeof en>;
