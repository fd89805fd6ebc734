// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the programs of a build with a captured log, shows progress, and handles interruption. A terminal has one
// status line; other outputs get one line per finished stage. Stages may run in parallel: what a function runs and
// notes belongs to the stage that it was called in.
import { AsyncLocalStorage } from "node:async_hooks";
import { accessSync, constants, createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { $, type ProcessOutput } from "zx";
import { Failure, fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  /** Exit codes that are not a failure, besides 0. */
  readonly allow?: readonly number[];
  /** Name of the program in messages, where that is not the first word. */
  readonly name?: string;
  /** Return standard error, too, after standard output. */
  readonly errors?: boolean;
  /** The program ignores SIGTERM: an interruption kills it. */
  readonly kill?: boolean;
}

/** Runs one program; resolves to what it wrote to standard output. */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<string>;

export interface Session {
  readonly run: Run;
  /** One line into the log of the current stage, and on the status line. */
  note(text: string): void;
  /** Prints a line that stays on the screen. */
  say(text: string): void;
  /** Runs `work` as a named stage, with a log of its own and its time measured. */
  stage<T>(name: string, title: string, work: () => Promise<T>): Promise<T>;
  /**
   * Runs the works side by side, each with stages of its own. When one fails the programs of the others are stopped, and
   * its error is thrown when they have ended.
   */
  together<T extends readonly unknown[]>(works: { [K in keyof T]: () => Promise<T[K]> }): Promise<T>;
  /** Seconds per stage, in the order they ran. */
  readonly timings: ReadonlyMap<string, number>;
  /** The signal of the work that reads it. */
  readonly signal: AbortSignal;
  readonly logDirectory: string;
}

/** A running stage. */
interface Running {
  readonly title: string;
  readonly log: WriteStream;
  readonly logPath: string;
  readonly started: number;
  /** Last line of its log. */
  last: string;
}

export interface SessionOptions {
  readonly logDirectory: string;
  readonly signal?: AbortSignal;
  readonly output?: NodeJS.WriteStream;
}

const SIGKILL_EXIT = 137;

/** Where Debian's packages put their programs. */
const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Puts the programs of the host's packages first, also the Python that some start through `env`, such as mmtarfilter,
 * once for each package. A Python that a person has installed elsewhere may be slow or lack modules.
 */
const systemFirst = () => [SYSTEM_PATH, process.env.PATH].filter(Boolean).join(":");

export function createSession({ logDirectory, signal, output = process.stdout }: SessionOptions): Session {
  makeLogDirectory(logDirectory);
  const stop = signal ?? new AbortController().signal;
  const timings = new Map<string, number>();
  const live = output.isTTY === true;
  const stages = new AsyncLocalStorage<Running>();
  const signals = new AsyncLocalStorage<AbortSignal>();
  const currentSignal = () => signals.getStore() ?? stop;
  /** In the order in which they were begun. */
  const running = new Set<Running>();

  // Of several stages, the oldest is shown, with the number of the others.
  const paint = () => {
    const [shown] = running;
    if (!live || !shown) return;
    const elapsed = seconds(shown.started).padStart(5);
    const others = running.size > 1 ? ` (+${running.size - 1})` : "";
    const line = `  ${elapsed}  ${shown.title}${others}${shown.last ? `: ${shown.last}` : ""}`;
    output.write(`\r\x1b[K${printable(line).slice(0, (output.columns ?? 80) - 1)}`);
  };
  const clear = () => live && running.size > 0 && output.write("\r\x1b[K");

  const noteOf = (stage: Running | undefined, text: string) => {
    const line = text.trimEnd();
    if (line === "" || !stage) return;
    stage.log.write(`${line}\n`);
    stage.last =
      line
        .split(/[\r\n]/)
        .at(-1)
        ?.trim() ?? "";
    paint();
  };
  const note = (text: string) => noteOf(stages.getStore(), text);
  const say = (text: string) => {
    stages.getStore()?.log.write(`${text}\n`);
    clear();
    output.write(`${printable(text)}\n`);
    paint();
  };

  const run: Run = async (argv, options = {}) => {
    const [stage, abort] = [stages.getStore(), currentSignal()];
    if (abort.aborted) interrupted();
    const [program = ""] = argv;
    stage?.log.write(`$ ${argv.join(" ")}\n`);
    const shell = $({
      verbose: false,
      quiet: true,
      nothrow: true,
      signal: abort,
      ...(options.cwd ? { cwd: options.cwd } : {}),
      env: { ...process.env, PATH: systemFirst(), LC_ALL: "C.UTF-8", ...options.env },
      ...(options.input === undefined
        ? { stdio: ["ignore", "pipe", "pipe"] as const }
        : { input: options.input }),
    });
    const child = shell`${argv}`;
    child.stdout?.on("data", (chunk: Buffer) => noteOf(stage, chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => noteOf(stage, chunk.toString()));
    const kill = () => void child.child?.kill("SIGKILL");
    if (options.kill) abort.addEventListener("abort", kill);
    const result = await child;
    abort.removeEventListener("abort", kill);
    if (abort.aborted) interrupted();
    if (result.exitCode === 0 || options.allow?.includes(result.exitCode ?? -1)) {
      return options.errors ? result.stdout + result.stderr : result.stdout;
    }
    throw explainExit(options.name ?? program, result, stage?.logPath ?? "");
  };

  const stage: Session["stage"] = async (name, title, work) => {
    if (currentSignal().aborted) interrupted();
    const logPath = join(logDirectory, `${name}.log`);
    const mine: Running = {
      title,
      logPath,
      log: createWriteStream(logPath),
      started: performance.now(),
      last: "",
    };
    running.add(mine);
    const timer = live ? setInterval(paint, 500) : undefined;
    if (!live) output.write(`  ...    ${title}\n`);
    try {
      const result = await stages.run(mine, work);
      timings.set(name, (performance.now() - mine.started) / 1000);
      clear();
      output.write(`  ${seconds(mine.started).padStart(5)}  ${title}\n`);
      return result;
    } catch (error) {
      clear();
      output.write(`  ${seconds(mine.started).padStart(5)}  ${title}: stopped, log in ${logPath}\n`);
      throw error;
    } finally {
      clearInterval(timer);
      running.delete(mine);
      paint();
      // The log must be complete before a message refers to it.
      await new Promise<void>((done) => mine.log.end(done));
    }
  };

  const together: Session["together"] = async (works) => {
    const failed = new AbortController();
    const either = AbortSignal.any([currentSignal(), failed.signal]);
    let first: { readonly error: unknown } | undefined;
    const results = await Promise.all(
      works.map((work) =>
        signals.run(either, work).catch((error: unknown) => {
          first ??= { error };
          failed.abort();
        }),
      ),
    );
    if (first) throw first.error;
    return results as never;
  };

  return {
    ...{ run, note, say, stage, together, timings, logDirectory },
    get signal() {
      return currentSignal();
    },
  };
}

function makeLogDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    fail(
      {
        code: "cache-unwritable",
        what: "The cache, where layers and logs are kept, cannot be written to.",
        found: (error as Error).message,
        hint: "run as root, who made it, or choose another place with XDG_CACHE_HOME",
      },
      { cause: error },
    );
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)}s`;
}

function interrupted(): never {
  return fail({
    code: "interrupted",
    what: "The work was interrupted; finished layers are kept and the next run goes on from there.",
    exitCode: 130,
  });
}

/** Turns the end of a program into a Failure that names the cause: program missing, disk full, or killed. */
function explainExit(program: string, result: ProcessOutput, logPath: string): Failure {
  const text = `${result.stderr}\n${result.stdout}`;
  const log = logPath ? `the whole output is in ${logPath}` : "run it by hand to see more";
  const lines = text.trim().split("\n");
  const telling = lines.filter((line) => /^E:|error|fail|cannot|not found/i.test(line));
  const lastLines = (telling.length > 0 ? telling : lines).slice(-3).join(" | ").slice(-400);
  if (/No space left on device/i.test(text)) {
    return new Failure({
      code: "disk-full",
      what: `The disk ran full while ${program} was working.`,
      found: lastLines,
      hint: "df -h; free some space (at least 8 GiB), then run the same command again",
    });
  }
  const missing =
    /Unable to locate package (\S+)/.exec(text)?.[1] ??
    /E: Package '(\S+)' has no installation/.exec(text)?.[1];
  if (missing) {
    return new Failure({
      code: "package-unknown",
      what: `The package "${missing}" does not exist in the Debian release and architecture of this profile.`,
      found: missing,
      hint: `correct the name in the profile; look it up with: apt-cache search ${missing}`,
    });
  }
  if (
    /Could not (connect|resolve)|Temporary failure resolving|Unable to connect|Connection (refused|timed out|failed)/i.test(
      text,
    )
  ) {
    return new Failure({
      code: "mirror-unreachable",
      what: "The Debian mirror could not be reached.",
      found: lastLines,
      hint: "check the network, then run the same command again; another mirror: --mirror URL",
    });
  }
  if (/Hash Sum mismatch|has unexpected size|Mirror sync in progress/i.test(text)) {
    return new Failure({
      code: "mirror-inconsistent",
      what: "The Debian mirror does not have what its own signed list says: it is being updated, or it is broken.",
      found: lastLines,
      hint: "run the same command again in an hour; another mirror: --mirror URL",
    });
  }
  if (result.signal === "SIGKILL" || result.exitCode === SIGKILL_EXIT) {
    return new Failure({
      code: "child-killed",
      what: `${program} was killed from outside, most often because memory ran out.`,
      found: lastLines,
      hint: "free -m; dmesg | tail; close other programs or add memory, then run the same command again",
    });
  }
  if (result.exitCode === 127 || /command not found|ENOENT/.test(text)) {
    return new Failure({
      code: "tool-missing",
      what: `The program ${program} could not be started.`,
      found: lastLines,
      hint: "./cbox doctor",
    });
  }
  return new Failure({
    code: "tool-failed",
    what: `${program} failed with ${result.signal ?? `exit code ${result.exitCode}`}.`,
    found: lastLines,
    hint: log,
  });
}
