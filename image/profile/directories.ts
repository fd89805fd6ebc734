// SPDX-License-Identifier: GPL-3.0-or-later
// A person's own profiles, in a directory of theirs: a board needs no change in the project.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { OVERLAYS } from "../host/paths.ts";

/** Environment variable with that directory; the option --profiles sets it. */
export const OWN_PROFILES = "CBOX_PROFILES";

/**
 * The directory of a person's own profiles, with the overlays they name in its `overlays/`.
 * @throws Failure `profiles-missing`
 */
export function ownProfiles(): string | undefined {
  const dir = process.env[OWN_PROFILES];
  if (!dir || existsSync(dir)) return dir || undefined;
  return fail({
    code: "profiles-missing",
    what: "The directory of your own profiles is not there.",
    found: dir,
    hint: `correct --profiles, or the variable ${OWN_PROFILES}`,
  });
}

/** Where overlays are looked for, first one first. */
export function overlayDirs(): readonly string[] {
  const own = ownProfiles();
  return own ? [join(own, "overlays"), OVERLAYS] : [OVERLAYS];
}
