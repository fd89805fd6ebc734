// SPDX-License-Identifier: GPL-3.0-or-later
// Every error code for people, by where it occurs. A new one is an entry in one of these files, with texts in the
// catalogues if a box reports it. `npm run docs` generates docs/reference/errors.md; programs import only the types.

import { buildErrors } from "./errors/build.ts";
import { commandErrors } from "./errors/commands.ts";
import type { ErrorEntries } from "./errors/entry.ts";
import { flashErrors } from "./errors/flash.ts";
import { labErrors } from "./errors/lab.ts";
import { scriptErrors } from "./errors/scripts.ts";
import { setupErrors } from "./errors/setup.ts";
import { sharedErrors } from "./errors/shared.ts";
import { unsaidErrors } from "./errors/unsaid.ts";

export const errorsByPlace = {
  build: buildErrors,
  flash: flashErrors,
  lab: labErrors,
  scripts: scriptErrors,
  setup: setupErrors,
  commands: commandErrors,
  shared: sharedErrors,
  unsaid: unsaidErrors,
} satisfies Record<string, ErrorEntries>;

type ErrorsByPlace = typeof errorsByPlace;

/** The codes that occur in some places. */
export type ErrorCodeOf<Place extends keyof ErrorsByPlace> = Place extends unknown
  ? keyof ErrorsByPlace[Place]
  : never;

/** Every code that a program can raise, without those of the shell scripts. */
export type ErrorCode = ErrorCodeOf<Exclude<keyof ErrorsByPlace, "scripts">>;
