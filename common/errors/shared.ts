// SPDX-License-Identifier: GPL-3.0-or-later
// Errors of both a box and the build machine. On a box they have their own texts (`error.<code>`).

import type { ErrorEntries } from "./entry.ts";

export const sharedErrors = {
  "answers-refused": {
    means:
      "answers have mistakes; each is named with its field (and file and line, or row and column), " +
      "nothing was changed",
    hint: "correct them and try again",
  },
  "answers-unreadable": { means: "a file with answers cannot be read", hint: "look at its name" },
  "text-encoding": {
    means:
      "a file of a person (answers, a list, a profile) is not UTF-8; the encoding it has and the " +
      "first such line are named",
    hint: "save it again as UTF-8: Save As of most editors has a choice of the encoding",
  },
  usage: {
    means: "unknown command or option, or a missing or surplus word (exit code 2)",
    hint: "see the hint, or `./cbox --help`",
  },
} satisfies ErrorEntries;
