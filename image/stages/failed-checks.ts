// SPDX-License-Identifier: GPL-3.0-or-later
// The end of a build whose result did not pass its checks; the same for images, containers and conversions.
import { fail, foundList } from "../../common/fail.ts";

/** @throws Failure `image-invalid` with every finding on a line of its own, unless there is none */
export function failOnFindings(packed: string, findings: readonly string[], logDirectory: string): void {
  if (findings.length === 0) return;
  fail({
    code: "image-invalid",
    what: `${packed} did not pass its checks.`,
    found: foundList(findings),
    hint: `nothing was published as good; the log of the stage is in ${logDirectory}`,
  });
}
