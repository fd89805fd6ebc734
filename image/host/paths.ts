// SPDX-License-Identifier: GPL-3.0-or-later
// Where things are in the project.
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the project. */
export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const PROFILES = join(PROJECT, "profiles");
/** Lock files of Debian's packages, one for each release and architecture. */
export const LOCKS = join(PROFILES, "locks");
export const OVERLAYS = join(PROJECT, "overlays");
/** The catalogue of services. */
export const SERVICES = join(OVERLAYS, "services");

/** A path for messages: relative to the project within it, absolute elsewhere. */
export function shownPath(path: string): string {
  const inside = relative(PROJECT, path);
  return inside.startsWith("..") ? path : inside;
}
