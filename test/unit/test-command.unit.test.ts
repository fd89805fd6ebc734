// SPDX-License-Identifier: GPL-3.0-or-later
// What the last line of cbox test counts.
import { describe, expect, it } from "vitest";
import { countOf } from "../../image/commands/test.ts";

const passed = { status: "passed", assertionResults: [{ status: "passed" }] };
const failed = { status: "failed", assertionResults: [{ status: "passed" }, { status: "failed" }] };
/** Its hook failed, or it could not be loaded. */
const unloaded = { status: "failed", assertionResults: [{ status: "skipped" }] };
const report = (numPassedTests: number, numFailedTests: number, testResults: (typeof passed)[]) => ({
  numPassedTests,
  numFailedTests,
  numPendingTests: 2,
  testResults,
});

describe("the count of a level", () => {
  it("is of tests", () => {
    expect(countOf(report(2, 1, [passed, failed]), 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it("has one failure for a file that failed without a failed test, also beside failed tests", () => {
    expect(countOf(report(1, 0, [passed, unloaded]), 1).failed).toBe(1);
    expect(countOf(report(2, 1, [passed, failed, unloaded]), 1).failed).toBe(2);
  });

  it("has one failure where vitest ended with an error and names none", () => {
    expect(countOf(report(1, 0, [passed]), 1).failed).toBe(1);
    expect(countOf(report(1, 0, [passed]), 0).failed).toBe(0);
  });
});
