// SPDX-License-Identifier: GPL-3.0-or-later
// Turns the kernel's error codes (EIO, EBUSY) about a disk into messages that say what happened and what to do.
import { readFileSync } from "node:fs";
import { Failure } from "../../common/fail.ts";

interface Named {
  readonly path: string;
  readonly name: string;
  readonly kind: "disk" | "file";
}

/** Runs work on a disk; turns its system errors into Failures. */
export async function withTrouble<T>(target: Named, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Failure ? error : toFailure(target, error as NodeJS.ErrnoException);
  }
}

/** @param isThere whether the disk is still plugged in, and its card in it. */
export function toFailure(
  target: Named,
  error: NodeJS.ErrnoException,
  isThere: () => boolean = () => target.kind === "file" || hasMedium(target.name),
): Error {
  const { path, kind } = target;
  const found = error.message;
  const cause = { cause: error };
  switch (error.code) {
    case "EACCES":
    case "EPERM": {
      const hint = kind === "disk" ? "only root may: the same command with sudo in front" : `ls -l ${path}`;
      return new Failure(
        { code: "disk-forbidden", what: `You may not write to ${path}.`, found, hint },
        cause,
      );
    }
    case "EBUSY": {
      const hint = "close what shows its files; take it out, put it in again, and do not open it";
      return new Failure({ code: "disk-in-use", what: `${path} is in use.`, found, hint }, cause);
    }
    case "EROFS": {
      const hint = "slide the small lock of the card or its adapter away from LOCK, and put it in again";
      return new Failure({ code: "disk-read-only", what: `${path} is write-protected.`, found, hint }, cause);
    }
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG": {
      const what = `${path} is full: there is not enough room for the image.`;
      const hint = "make room, or choose another place";
      return new Failure({ code: "target-full", what, found, hint }, cause);
    }
    case "EIO":
      return isThere() ? broken(path, found, cause) : vanished(path, found, cause);
    case "ENOMEDIUM":
    case "ENXIO":
    case "ENODEV":
    case "ENOENT":
      return vanished(path, found, cause);
    default:
      return error;
  }
}

function broken(path: string, found: string, cause: ErrorOptions): Failure {
  const what = `${path} does not take what is written to it, or does not give it back.`;
  const hint = "try another reader or port; a card that fails twice is worn out";
  return new Failure({ code: "disk-broken", what, found, hint }, cause);
}

function vanished(path: string, found: string, cause: ErrorOptions): Failure {
  const what = `${path} is gone: it was pulled out, or its reader has let go of it.`;
  return new Failure({ code: "disk-vanished", what, found, hint: "put it in again, and start over" }, cause);
}

/** A reader without a card stays a device, with size 0. */
function hasMedium(name: string): boolean {
  try {
    return Number(readFileSync(`/sys/class/block/${name}/size`, "utf8")) > 0;
  } catch {
    return false;
  }
}
