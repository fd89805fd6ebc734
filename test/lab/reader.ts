// SPDX-License-Identifier: GPL-3.0-or-later
// Readers of the state of the community's servers, one per kind, listed in readers/index.ts, for `cbox lab show`.
import type { Lab } from "./lab.ts";

/** One line of a table; the keys are its headings. */
export type Row = Readonly<Record<string, string>>;

export interface Reader {
  /** Key of its rows in the JSON form, such as `members`. */
  readonly name: string;
  /** Heading for a person, such as "members who signed in". */
  readonly title: string;
  /** Changes nothing. Empty when there is no data, also when the server is down. */
  read(lab: Lab): Promise<readonly Row[]>;
}
