// SPDX-License-Identifier: GPL-3.0-or-later
// Every error code that a person can meet, by where it is met. A new one is an entry in one of these files; where a box says
// it, it has texts in the catalogues. `npm run docs` writes docs/reference/errors.md from this.
// The sentences are for that page: programs import the types alone, so that no bundle carries the page.

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

/** The codes that are met in some places. */
export type ErrorCodeOf<Place extends keyof ErrorsByPlace> = Place extends unknown
  ? keyof ErrorsByPlace[Place]
  : never;

/** Every code that a program can raise; those of the shell scripts are not among them. */
export type ErrorCode = ErrorCodeOf<Exclude<keyof ErrorsByPlace, "scripts">>;
