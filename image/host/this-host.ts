// SPDX-License-Identifier: GPL-3.0-or-later
// What the checks read from this machine, as one small interface that tests replace.
import { execFile, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, statfsSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { PROJECT } from "./paths.ts";

export interface Ran {
  /** Exit code; undefined when the program could not be started, or did not end in time. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

export interface Host {
  readonly userId: number;
  readonly memoryMib: number;
  /** Debian's name of this machine's architecture. */
  readonly architecture: string;
  /** Runs a program to its end, at most a minute. */
  run(program: string, ...args: string[]): Promise<Ran>;
  /** Where a program is, or the file itself for an absolute path; undefined when it is not there. */
  find(programOrFile: string): string | undefined;
  /** The text of a file; undefined when it cannot be read. */
  read(path: string): string | undefined;
  /** Whether the kernel runs programs of 32-bit x86; that of an amd64 machine need not. Runs one: image/host/runs-i386.sh. */
  runsI386(): boolean;
  /** The file system a file will be on (any name for it), and its free space. The file need not exist yet. */
  space(path: string): { readonly device: number; readonly freeMib: number };
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  ia32: "i386",
  arm: "armhf",
};
/** Long, since a machine that emulates a box is slow, and a timeout looks like a missing program. */
const TIME_LIMIT_MS = 600_000;
const MIB = 1024 * 1024;

export const thisHost: Host = {
  userId: process.getuid?.() ?? 0,
  memoryMib: Math.floor(totalmem() / MIB),
  architecture: ARCHITECTURES[process.arch] ?? process.arch,

  run: (program, ...args) =>
    new Promise((resolve) => {
      const options = { timeout: TIME_LIMIT_MS, killSignal: "SIGKILL", env: environment() } as const;
      execFile(program, args, options, (error, stdout, stderr) => {
        const exitCode = error ? (typeof error.code === "number" ? error.code : undefined) : 0;
        resolve({ exitCode, output: `${stdout}${stderr}`.trim() });
      });
    }),

  find(programOrFile) {
    if (isAbsolute(programOrFile)) return isThere(programOrFile, constants.R_OK) ? programOrFile : undefined;
    const folders = (environment().PATH ?? "").split(delimiter);
    return folders.map((folder) => join(folder, programOrFile)).find((path) => isThere(path, constants.X_OK));
  },

  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  },

  runsI386: () =>
    spawnSync("sh", [join(PROJECT, "image/host/runs-i386.sh")], { stdio: "ignore", env: environment() })
      .status === 0,

  space(path) {
    let folder = path;
    while (!isThere(folder, constants.F_OK)) folder = dirname(folder);
    const { bavail, bsize } = statfsSync(folder);
    return { device: statSync(folder).dev, freeMib: Math.floor((bavail * bsize) / MIB) };
  },
};

/** Administration programs live in sbin, which is not in everybody's PATH. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LC_ALL: "C.UTF-8",
    PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`,
  };
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
