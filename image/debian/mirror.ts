// SPDX-License-Identifier: GPL-3.0-or-later
// Where Debian packages come from: the mirror this machine's own APT uses, or the one given by --mirror.
// No mirror is named in the project.
import { fail } from "../../common/fail.ts";
import type { Run } from "../host/session.ts";

/** The two archives a Debian release consists of, as base addresses that end in a slash. */
export interface Mirror {
  readonly debian: string;
  readonly security: string;
}

/** Repository keys used in lock files, so that these hold no host name. */
export type Repository = keyof Mirror;

const withSlash = (url: string) => (url.endsWith("/") ? url : `${url}/`);

/**
 * Reads the mirror out of `apt-get indextargets`.
 * @param override base address of a mirror that carries both `debian` and `debian-security`, as in `--mirror URL`:
 *   the address of `…/debian`; the security archive is then expected beside it as `…/debian-security`.
 * @throws Failure `mirror-unknown` when APT of this machine knows no Debian archive.
 */
export async function findMirror(run: Run, override?: string): Promise<Mirror> {
  if (override) {
    const debian = withSlash(override);
    return { debian, security: debian.replace(/\/debian\/$/, "/debian-security/") };
  }
  const targets = await run([
    "apt-get",
    "indextargets",
    "--format",
    "$(LABEL) $(REPO_URI)",
    "Created-By: Packages",
  ]);
  const byLabel = new Map(targets.split("\n").map((line) => line.split(" ") as [string, string]));
  const debian = byLabel.get("Debian");
  if (!debian) {
    fail({
      code: "mirror-unknown",
      what: "This machine's APT knows no Debian mirror.",
      found: `labels: ${[...byLabel.keys()].filter(Boolean).join(", ") || "none"}`,
      hint: "apt-get update, or name one: ./cbox build PROFILE --mirror URL",
    });
  }
  const security =
    byLabel.get("Debian-Security") ?? withSlash(debian).replace(/\/debian\/$/, "/debian-security/");
  return { debian: withSlash(debian), security: withSlash(security) };
}
