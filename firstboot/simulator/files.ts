// SPDX-License-Identifier: GPL-3.0-or-later
// The files of a simulated box, for its simulated programs.

/** The files that the simulated commands read and write. */
export interface SimulatedFiles {
  read(path: string): Promise<string | undefined>;
  write(path: string, content: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** Moves a file, or a directory with its contents. */
  move(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with its contents. */
  remove(path: string): Promise<void>;
}
