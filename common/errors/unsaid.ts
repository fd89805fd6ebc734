// SPDX-License-Identifier: GPL-3.0-or-later
// Errors that a box never shows to a person, so that the catalogues have no texts for them.

import type { ErrorEntries } from "./entry.ts";

export const unsaidErrors = {
  interrupted: {
    means: "Ctrl-C (exit code 130); what was finished is kept",
    hint: "run the same command again",
  },
  "secret-needed": {
    means: "a secret that was typed was lost in a power cut before it was used; said in the log alone",
    hint: "the set-up asks for it again",
  },
} satisfies ErrorEntries;
