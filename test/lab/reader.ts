// SPDX-License-Identifier: GPL-3.0-or-later
// What the community knows, one reader per kind of server: `cbox lab show` prints them all. Listed in readers/index.ts.
import type { Lab } from "./lab.ts";

/** One line of a table; the keys are its headings. */
export type Row = Readonly<Record<string, string>>;

export interface Reader {
  /** Key of its rows in the JSON form, such as `members`. */
  readonly name: string;
  /** Heading for a person, such as "members who signed in". */
  readonly title: string;
  /** Only looks. Empty when nothing is known, also when the server is down. */
  read(lab: Lab): Promise<readonly Row[]>;
}
