// SPDX-License-Identifier: GPL-3.0-or-later
// A result that did not pass its checks: what a person reads of it.
import { expect, test } from "vitest";
import { describeFailure } from "../../../../common/fail.ts";
import { failOnFindings } from "../../../../image/stages/failed-checks.ts";
import { failureOf } from "../../../failure-of.ts";

test("every finding is on a line of its own, without control characters", async () => {
  const findings = ["/etc/hostname is missing", "a name with a\x1bsign"];
  const failure = await failureOf(() => failOnFindings("out/box.img.zst", findings, "logs/1"));
  expect(describeFailure(failure).split("\n")).toEqual([
    "error: out/box.img.zst did not pass its checks. [image-invalid]",
    "found: ",
    "         - /etc/hostname is missing",
    "         - a name with a\\u001bsign",
    "hint:  nothing was published as good; the log of the stage is in logs/1",
  ]);
});

test("nothing is raised without a finding", () => {
  expect(() => failOnFindings("out/box.img.zst", [], "logs/1")).not.toThrow();
});
