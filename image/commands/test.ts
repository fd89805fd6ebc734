// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox test [filter…]`: style, types and unit tests, beside them the image and the root file system that the heavy tests
// share, then those. Everything runs even when something failed; the last line counts.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailure, Failure } from "../../common/fail.ts";
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

export interface TestOptions {
  /** Also the long boots. */
  readonly all?: boolean;
}

export async function testCommand(
  filter: readonly string[],
  { all = false }: TestOptions = {},
): Promise<void> {
  const light = async (): Promise<Count[]> => [
    ...(filter.length === 0
      ? [
          await check("style", ["biome", "check", "--error-on-warnings", "."]),
          await check("types", ["tsc", "--noEmit"]),
        ]
      : []),
    await level(["unit", "mocked"], filter, SIDE_BY_SIDE),
  ];
  const heavy = all || filter.length === 0 || filter.some((word) => /boot|integration|build|lab/.test(word));
  // A build has programs that keep one processor busy: there is room for the light tests beside it.
  const [counts, built] = await Promise.all([light(), heavy ? buildImage() : PASSED]);
  if (heavy) {
    counts.push(built);
    counts.push(await level(["integration"], filter, SIDE_BY_SIDE));
    // Without an image there is nothing to boot, and saying so once is enough.
    if (built === PASSED) counts.push(await level(["boot"], filter));
    if (built === PASSED && all) counts.push(await level(["long"], filter));
    if (!all) sayLines(`\nNot run: the long boots, ${LONG}. They run with: ./cbox test --all`);
  }
  const sum = (key: keyof Count) => counts.reduce((total, count) => total + count[key], 0);
  const skipped = sum("skipped");
  sayLines(`${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (sum("failed") > 0) process.exitCode = 1;
}

async function check(name: string, argv: readonly [string, ...string[]]): Promise<Count> {
  sayLines(`\n== ${name}`);
  return (await run(argv)) === 0 ? PASSED : FAILED;
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
async function level(names: readonly string[], filter: readonly string[], atATime = 1): Promise<Count> {
  if (interruption().aborted) return FAILED;
  sayLines(`\n== ${names[0]} tests`);
  const scratch = await mkdtemp(join(tmpdir(), "cbox-test-"));
  const file = join(scratch, "report.json");
  try {
    const reporters = ["--reporter=verbose", "--reporter=json", `--outputFile.json=${file}`];
    const side = atATime > 1 ? ["--fileParallelism", `--maxWorkers=${atATime}`, "--minWorkers=1"] : [];
    const projects = names.flatMap((name) => ["--project", name]);
    const words = ["run", ...projects, "--passWithNoTests", ...side, ...reporters, ...filter];
    const code = await run(["vitest", ...words]);
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
function run([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(join(PROJECT, "node_modules/.bin", program), args, {
      cwd: PROJECT,
      stdio: "inherit",
    });
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
