// SPDX-License-Identifier: GPL-3.0-or-later
// The files of a simulated box, as its simulated programs see them.

/** The files the made-up commands read and write. */
export interface SimulatedFiles {
  read(path: string): Promise<string | undefined>;
  write(path: string, content: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** A file, or a directory with all that is in it. */
  move(from: string, to: string): Promise<void>;
  /** The same. */
  remove(path: string): Promise<void>;
}
