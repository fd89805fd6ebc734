// SPDX-License-Identifier: GPL-3.0-or-later
// What cbox test runs, and what its last line counts.
import { describe, expect, it, test } from "vitest";
import { countOf, levelsOf } from "../../../../image/commands/test.ts";

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

describe("the count of a test level", () => {
  it("counts tests", () => {
    expect(countOf(report(2, 1, [passed, failed]), 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  it("adds one failure for a file that failed without a failed test", () => {
    expect(countOf(report(1, 0, [passed, unloaded]), 1).failed).toBe(1);
    expect(countOf(report(2, 1, [passed, failed, unloaded]), 1).failed).toBe(2);
  });

  it("adds one failure where vitest ended with an error and reports none", () => {
    expect(countOf(report(1, 0, [passed]), 1).failed).toBe(1);
    expect(countOf(report(1, 0, [passed]), 0).failed).toBe(0);
  });
});

describe("the levels of a test run", () => {
  const FILES = [
    "test/unit/firstboot/i18n/texts.unit.test.ts",
    "test/unit/firstboot/commands/foreign-text.mocked.test.ts",
    "test/integration/vpn.integration.test.ts",
    "test/boot/set-up.boot.test.ts",
    "test/boot/wifi.long.test.ts",
  ];

  test.each([
    ["all that are not long, without a word", [], {}, ["unit", "integration", "boot"]],
    ["the long ones, too, with --all", [], { all: true }, ["unit", "integration", "boot", "long"]],
    ["the one whose file has the word", ["i18n/texts"], {}, ["unit"]],
    ["those whose files mock modules among the unit tests", ["foreign"], {}, ["unit"]],
    ["those whose path has the word", ["test/boot"], {}, ["boot"]],
    ["of several words", ["vpn", "set-up"], {}, ["integration", "boot"]],
    ["the one that is named", [], { boot: true }, ["boot"]],
    ["those that are named", [], { unit: true, integration: true }, ["unit", "integration"]],
    ["a long one with --all", ["wifi"], { all: true }, ["long"]],
  ] as const)("are %s", (_name, filter, options, expected) => {
    expect(levelsOf(FILES, filter, options)).toEqual(expected);
  });

  test.each([
    [["wifi"], {}, "long tests run with --all"],
    [["vpn"], { unit: true }, "say a part of a test file's path, such as vpn"],
    [["nothing"], {}, "say a part of a test file's path, such as vpn"],
  ] as const)("are none for %j with %j, with the reason", (filter, options, hint) => {
    expect(() => levelsOf(FILES, filter, options)).toThrow(
      expect.objectContaining({ code: "usage", found: filter[0], hint }),
    );
  });
});
