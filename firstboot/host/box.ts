// SPDX-License-Identifier: GPL-3.0-or-later
// The system as the steps see it: commands, files, network, time. Steps access the box only through this interface,
// so that tests can use a simulated box and cut its power after any effect.

import { type FailureDetails, fail } from "../../common/fail.ts";
import { errorText } from "./error-text.ts";
import { saidOr } from "./found-text.ts";

export interface RunOptions {
  /** Standard input; the only way to pass a secret to a command, and never logged. */
  readonly input?: string;
  /**
   * Milliseconds, for a command that waits for another machine, which may never answer. Local commands have no limit
   * by default: their time depends on the card.
   */
  readonly timeout?: number;
  /** Ends the command when its result is not wanted any more. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** 127: there is no such command. 128 and more: a signal ended it. */
  readonly code: number;
  /** Seconds after which the timeout ended it. */
  readonly endedAfter?: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface WriteOptions {
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Sent with exactly this spelling, over HTTP/1.1. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Milliseconds for the whole exchange; default 15 000. */
  readonly timeout?: number;
  /** A longer answer is an error; default 1 MiB. */
  readonly maxBytes?: number;
  readonly tls?: TlsTrust;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: Buffer;
}

export interface TlsTrust {
  /** PEM certificates trusted in addition to the public authorities. */
  readonly authorities?: readonly string[];
  /** False: any certificate is accepted. Only if the community's settings say so. */
  readonly verify?: boolean;
}

/** A simple bind to an LDAP server over TLS (ldaps). */
export interface LdapBind {
  /** Such as ldaps://ldap.example.net or ldaps://ldap.example.net:1636. */
  readonly url: string;
  readonly dn: string;
  readonly password: string;
  /** Milliseconds until a server counts as unreachable. */
  readonly timeout: number;
  readonly tls?: TlsTrust;
}

export interface Box {
  /**
   * One exchange; any HTTP status is an answer. Throws a Failure: `server-unreachable`, `server-slow`,
   * `server-untrusted` (certificate), `reply-too-large`. Never follows redirections nor logs. Adds the user agent
   * (user-agent.ts).
   */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Resolves to whether the server accepts name and password (49 = refused). Throws a Failure:
   * `server-unreachable`, `server-slow`, `server-untrusted`, `ldap-error`, `reply-too-large`. */
  ldapBind(bind: LdapBind): Promise<"accepted" | "refused">;
  /** Runs a command without a shell. A non-zero exit code is an answer, not an error; see {@link runOrFail}. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Pipes bytes through a command. Rejects when it fails. */
  filter(command: string, input: Uint8Array): Promise<Uint8Array>;
  /** The text of a file; undefined if it does not exist. */
  readFile(path: string): Promise<string | undefined>;
  /** The bytes of a file that a person wrote, in an unknown encoding. Undefined if it does not exist. */
  readBytes(path: string): Promise<Uint8Array | undefined>;
  /** Replaces a file atomically and durably, and creates its directory. */
  writeFile(path: string, content: string, options?: WriteOptions): Promise<void>;
  /** Overwrites bytes in place on the disk, then syncs: erases a secret. */
  overwrite(path: string, content: Uint8Array): Promise<void>;
  /** Appends text to a file without syncing. For logs. */
  appendFile(path: string, text: string): Promise<void>;
  makeDirectory(path: string, options?: WriteOptions): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string | undefined>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Names in a directory, sorted; with `recursive` the relative paths of all files below it. */
  list(path: string, options?: { recursive?: boolean }): Promise<string[]>;
  now(): Date;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Runs the work while no other process of the box holds this lock file; waits for the lock. */
  inTurn<T>(lock: string, work: () => Promise<T>): Promise<T>;
  /** Random bytes as hexadecimal text. */
  randomHex(bytes: number): string;
  /** A new RSA key of 2048 bits, as PEM (PKCS #1). Takes a second or two on an Atom. */
  rsaPrivateKey(): Promise<string>;
}

/** The disk is full, or the context's quota is used up; messages of the C library and of Go. */
export const IS_DISK_FULL = /no space left on device|disk quota exceeded/i;

/** Its own error, since only a person can free space. `found`: the file or command. Fails with `box-full`. */
export function diskFull(
  found: string | Pick<FailureDetails, "found" | "foundText">,
  options?: ErrorOptions,
): never {
  return fail(
    { code: "box-full", ...errorText("error.box-full"), ...(typeof found === "string" ? { found } : found) },
    options,
  );
}

/** Maximum characters of a command line in a message for a person. */
const LONGEST_SHOWN = 60;

/**
 * Runs a command that has to succeed and returns its output. One that timed out is run once more. Fails with
 * `command-failed`, `command-slow`.
 */
export async function runOrFail(
  box: Pick<Box, "run">,
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  let result = await box.run(command, args, options);
  if (result.endedAfter !== undefined) result = await box.run(command, args, options);
  if (result.code === 0) return result.stdout;
  if (result.endedAfter !== undefined) {
    return fail({
      code: "command-slow",
      ...errorText("error.command-slow", {
        command: shortened([command, ...args].join(" ")),
        seconds: result.endedAfter,
      }),
      ...saidOr(lastLine(result.stderr), "found.silent-for", { seconds: result.endedAfter }),
    });
  }
  if (IS_DISK_FULL.test(result.stderr)) diskFull(shortened([command, ...args].join(" ")));
  return fail({
    code: "command-failed",
    ...errorText("error.command-failed", {
      command: shortened([command, ...args].join(" ")),
      code: result.code,
    }),
    ...saidOr(lastLine(result.stderr) || lastLine(result.stdout), "found.exit-code", { code: result.code }),
  });
}

/** Writes a file only if its content changes. Returns whether it did. */
export async function writeIfChanged(
  box: Box,
  path: string,
  content: string,
  options?: WriteOptions,
): Promise<boolean> {
  if ((await box.readFile(path)) === content) return false;
  await box.writeFile(path, content, options);
  return true;
}

/** For a message; the log has the whole command. */
function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
