// SPDX-License-Identifier: GPL-3.0-or-later
// The real box. Uses node:child_process instead of zx: no shell is needed, and code loaded at boot on an Atom has to
// be small. `root` moves every path below a directory, for the dry run.

import { type ExecFileException, execFile } from "node:child_process";
import { generateKeyPair, randomBytes } from "node:crypto";
import {
  access,
  constants,
  lstat,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { constants as os } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { syncDirectory, writeFileAtomic } from "../../common/atomic.ts";
import { Failure } from "../../common/fail.ts";
import { parseJson } from "../../common/json.ts";
import { inTurn } from "../../common/lock.ts";
import { openDirectory } from "../../common/no-follow.ts";
import { type Box, diskFull, type RunOptions, type RunResult } from "./box.ts";
import type { ImageInfo } from "./image-info.ts";
import { exchange, ldapBind } from "./net.ts";
import { paths } from "./paths.ts";
import { userAgent } from "./user-agent.ts";

export interface LinuxBoxOptions {
  readonly root?: string;
  /** Called with every command line (never its input) and its exit code. */
  readonly onCommand?: (line: string) => void;
}

export function linuxBox({ root = "", onCommand = () => {} }: LinuxBoxOptions = {}): Box {
  const at = (path: string) => (root ? join(root, path) : path);
  /** Calls `work` with a path to the directory of `path` that does not follow links of another account. */
  async function inDirectory<T>(
    path: string,
    create: boolean,
    work: (place: string) => Promise<T>,
  ): Promise<T> {
    try {
      const directory = await openDirectory(dirname(path), { create, ...(root ? { root } : {}) });
      try {
        return await work(directory.at(basename(path)));
      } finally {
        await directory.close();
      }
    } catch (error) {
      if (error instanceof Failure) throw error;
      const { message } = error as Error;
      (error as Error).message = message.replaceAll(/\/proc\/self\/fd\/\d+/g, dirname(at(path)));
      return sayWhenFull(path)(error as NodeJS.ErrnoException);
    }
  }
  return {
    async run(command, args, options) {
      const result = await execute(command, args, options);
      onCommand(
        `${[command, ...args].join(" ")} -> ${result.code}${result.code ? ` ${result.stderr.trim()}` : ""}`,
      );
      return result;
    },
    filter: pipeThrough,
    async request(wanted) {
      const image = await readFile(at(paths.imageInfo), "utf8").catch(() => "");
      const { version = "" } = parseJson<Partial<ImageInfo>>(image, {});
      return exchange({ ...wanted, headers: { "User-Agent": userAgent({ version }), ...wanted.headers } });
    },
    ldapBind: (bind) => ldapBind(bind),
    readFile: (path) => readFile(at(path), "utf8").catch(undefinedWhenMissing),
    readBytes: (path) => readFile(at(path)).catch(undefinedWhenMissing),
    writeFile: (path, content, options) =>
      inDirectory(path, true, (place) => writeFileAtomic(place, content, options)),
    overwrite: (path, content) =>
      inDirectory(path, false, async (place) => {
        const file = await open(place, constants.O_RDWR | constants.O_NOFOLLOW);
        try {
          await file.write(content, 0, content.length, 0);
          await file.sync();
        } finally {
          await file.close();
        }
      }),
    appendFile: (path, text) =>
      inDirectory(path, true, async (place) => {
        const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
        const file = await open(place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640);
        try {
          await file.writeFile(text);
        } finally {
          await file.close();
        }
      }),
    async makeDirectory(path, { mode, owner } = {}) {
      const options = { create: true, ...(root ? { root } : {}) };
      const { handle, close } = await openDirectory(path, options).catch(sayWhenFull(path));
      try {
        if (owner) await handle.chown(owner.uid, owner.gid);
        if (mode !== undefined) await handle.chmod(mode);
      } finally {
        await close();
      }
    },
    symlink: (target, path) =>
      inDirectory(path, true, async (place) => {
        const temporary = `${place}.new`;
        await rm(temporary, { force: true });
        await symlink(target, temporary);
        await rename(temporary, place);
        await syncDirectory(dirname(place));
      }),
    readLink: (path) => readlink(at(path)).catch(() => undefined),
    rename: (from, to) =>
      inDirectory(from, false, (old) =>
        inDirectory(to, false, async (place) => {
          await rename(old, place);
          await syncDirectory(dirname(place));
        }),
      ),
    remove: (path) =>
      inDirectory(path, false, async (place) => {
        if (!(await lstat(place).catch(() => undefined))) return;
        await rm(place, { force: true, recursive: true });
        await syncDirectory(dirname(place));
      }).catch((error: NodeJS.ErrnoException) => {
        // Its directory does not exist either.
        if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
      }),
    exists: (path) =>
      access(at(path)).then(
        () => true,
        () => false,
      ),
    async list(path, { recursive = false } = {}) {
      const entries = await readdir(at(path), { recursive, withFileTypes: true }).catch(() => []);
      const base = at(path);
      return entries
        .filter((entry) => !recursive || !entry.isDirectory())
        .map((entry) => (recursive ? join(entry.parentPath, entry.name).slice(base.length + 1) : entry.name))
        .sort();
    },
    now: () => new Date(),
    sleep: async (milliseconds, signal) => {
      await delay(milliseconds, undefined, signal ? { signal } : {});
    },
    inTurn: (lock, work) => inTurn(at(lock), work),
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    async rsaPrivateKey() {
      const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
      return privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    },
  };
}

function execute(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        timeout: options.timeout ?? 0,
        killSignal: "SIGKILL",
        maxBuffer: 16 * 1024 * 1024,
        // Messages are matched and logged: keep them in one language.
        env: { ...process.env, LC_ALL: "C.UTF-8", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      },
      (error, stdout, stderr) => {
        stop.removeEventListener("abort", end);
        if (!error) return resolve({ code: 0, stdout, stderr });
        resolve({ stdout, ...howItEnded(error, stderr, options) });
      },
    );
    const stop = options.signal ?? new AbortController().signal;
    // SIGTERM, not SIGKILL: dpkg and the like leave a better state when they can end by themselves.
    const end = () => void child.kill("SIGTERM");
    stop.addEventListener("abort", end);
    if (stop.aborted) end();
    // A command that does not read its input causes EPIPE; its exit code is what counts.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** No exit code: ended by a signal, ended by our timeout, or not found (ENOENT). */
function howItEnded(
  error: ExecFileException,
  stderr: string,
  { timeout }: RunOptions,
): Omit<RunResult, "stdout"> {
  if (typeof error.code === "number") return { code: error.code, stderr: stderr || firstLine(error.message) };
  const { killed, signal } = error;
  if (killed && timeout !== undefined)
    return { code: 128 + os.signals.SIGKILL, stderr, endedAfter: timeout / 1000 };
  if (signal) return { code: 128 + os.signals[signal], stderr: `${stderr}\nended by ${signal}` };
  return { code: 127, stderr: stderr || firstLine(error.message) };
}

const firstLine = (text: string) => text.split("\n", 1).join("");

function pipeThrough(command: string, input: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, [], { encoding: "buffer" }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** EDQUOT: as root of a context, whose limit is lower than the box's disk. */
function sayWhenFull(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (error.code === "ENOSPC" || error.code === "EDQUOT") diskFull(path, { cause: error });
    throw error;
  };
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (["ENOENT", "ENOTDIR", "EISDIR", "EINVAL"].includes(error.code ?? "")) return undefined;
  throw error;
}
