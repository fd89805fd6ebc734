// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox test [filter…]`: style, types and unit tests, beside them the image and the root file system that the heavy
// tests share, then those. Everything runs even when something failed; the last line counts.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailure, Failure, fail } from "../../common/fail.ts";
import { sayError, sayLines } from "../../common/say.ts";
import { interruption } from "../host/interrupt.ts";
import { PROJECT } from "../host/paths.ts";
import { labRoot } from "../lab-root.ts";
import { buildCommand } from "./build.ts";

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const LONG =
  "power cuts, contexts in distress, all services, servers that fail, hostile neighbours, other boards, a flashed card, the installer, Wi-Fi, ARM, containers, converted machines";
/** Test files at a time, where they have names of their own: some wait for a server while others compute. */
const SIDE_BY_SIDE = Math.min(4, Math.max(2, availableParallelism()));
const PASSED: Count = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Count = { passed: 0, failed: 1, skipped: 0 };

/** By the end of a test file's name. */
const LEVELS = {
  unit: ["unit", "mocked"],
  integration: ["integration"],
  boot: ["boot"],
  long: ["long"],
} as const;
type Level = keyof typeof LEVELS;

export interface TestOptions {
  /** Also the long boots. */
  readonly all?: boolean;
  /** These levels and no others; several may be said. */
  readonly unit?: boolean;
  readonly integration?: boolean;
  readonly boot?: boolean;
}

/**
 * The levels that are run: those that were asked for, and have a file whose path contains one of the words.
 * @throws Failure `usage` where no file of theirs does
 */
export function levelsOf(
  files: readonly string[],
  filter: readonly string[],
  { all = false, ...asked }: TestOptions,
): readonly Level[] {
  const named = (["unit", "integration", "boot"] as const).filter((level) => asked[level]);
  const wanted: readonly Level[] = [
    ...(named.length > 0 ? named : (["unit", "integration", "boot"] as const)),
    ...(all ? (["long"] as const) : []),
  ];
  const matching = files.filter(
    (file) => filter.length === 0 || filter.some((word) => file.toLowerCase().includes(word.toLowerCase())),
  );
  const has = (level: Level) =>
    matching.some((file) => LEVELS[level].some((end) => file.endsWith(`.${end}.test.ts`)));
  const found = wanted.filter(has);
  if (found.length > 0) return found;
  const isLong = !all && has("long");
  return fail({
    code: "usage",
    what: "No test of these levels has such a name.",
    found: filter.join(" "),
    hint: isLong ? "long tests run with --all" : "say a part of a test file's path, such as vpn",
    exitCode: 2,
  });
}

export async function testCommand(filter: readonly string[], options: TestOptions = {}): Promise<void> {
  const files = (await readdir(join(PROJECT, "test"), { recursive: true })).map((path) => `test/${path}`);
  const levels = levelsOf(files, filter, options);
  const light = async (): Promise<Count[]> => {
    if (!levels.includes("unit")) return [];
    const style = ["biome", "check", "--error-on-warnings", "."] as const;
    const own =
      filter.length === 0 ? [await check("style", style), await check("types", ["tsc", "--noEmit"])] : [];
    return [...own, await run("unit", filter, SIDE_BY_SIDE)];
  };
  const heavy = levels.some((level) => level !== "unit");
  // Parts of a build use only one processor, so the light tests run beside it.
  const [counts, built] = await Promise.all([light(), heavy ? buildImage() : PASSED]);
  if (heavy) counts.push(built);
  if (levels.includes("integration")) counts.push(await run("integration", filter, SIDE_BY_SIDE));
  // Without an image no boot test can run; one message about it is enough.
  for (const level of ["boot", "long"] as const)
    if (built === PASSED && levels.includes(level)) counts.push(await run(level, filter));
  if (levels.includes("boot") && !levels.includes("long"))
    sayLines(`\nNot run: the long boots, ${LONG}. They run with: ./cbox test --all`);
  const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0);
  const skipped = sum("skipped");
  sayLines(`${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (sum("failed") > 0) process.exitCode = 1;
}

async function check(name: string, argv: readonly [string, ...string[]]): Promise<Count> {
  sayLines(`\n== ${name}`);
  return (await program(argv)) === 0 ? PASSED : FAILED;
}

async function buildImage(): Promise<Count> {
  sayLines("\n== what the heavy tests share: the image of vm-amd64, the root file system of the lab");
  try {
    await buildCommand("vm-amd64", {});
    await labRoot();
    return PASSED;
  } catch (error) {
    sayError(error instanceof Failure ? describeFailure(error) : String(error));
    return FAILED;
  }
}

export interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  /** The files; one that does not load has failed without a failed test in it. */
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** Guests want all processors: their files run one after the other. */
async function run(level: Level, filter: readonly string[], atATime = 1): Promise<Count> {
  if (interruption().aborted) return FAILED;
  sayLines(`\n== ${level} tests`);
  const scratch = await mkdtemp(join(tmpdir(), "cbox-test-"));
  const file = join(scratch, "report.json");
  try {
    const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${file}`];
    const side = atATime > 1 ? ["--fileParallelism", `--maxWorkers=${atATime}`, "--minWorkers=1"] : [];
    const projects = LEVELS[level].flatMap((name) => ["--project", name]);
    const words = ["run", ...projects, "--passWithNoTests", ...side, ...reporters, ...filter];
    const code = await program(["vitest", ...words]);
    return countOf(JSON.parse(await readFile(file, "utf8")) as VitestReport, code);
  } catch (error) {
    sayError(`vitest ended without a report: ${error}`);
    return FAILED;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a run of vitest counts, which ended with this exit code. */
export function countOf(report: VitestReport, code: number): Count {
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped } = report;
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((result) => result.status !== "failed"),
  );
  const failed = numFailedTests + unloaded.length;
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, skipped };
}

/** Runs a program of node_modules with the terminal it has; resolves to its exit code. */
function program([name, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(join(PROJECT, "node_modules/.bin", name), args, {
      cwd: PROJECT,
      stdio: "inherit",
    });
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
