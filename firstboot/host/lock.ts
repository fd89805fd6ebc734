// SPDX-License-Identifier: GPL-3.0-or-later
// Only one set-up at a time: a second one fails with the name of the first.
import { fail } from "../../common/fail.ts";
import { takeLock } from "../../common/lock.ts";
import { errorText } from "./error-text.ts";
import { sayFound } from "./found-text.ts";
import { paths } from "./paths.ts";

/** Returns the function that releases the lock. Fails with `setup-busy`. */
export async function lockSetup(path: string = paths.setupLock): Promise<() => Promise<void>> {
  const lock = await takeLock(path);
  return "release" in lock ? lock.release : busy(lock.holder);
}

/** For every change of what the box is set up to do. Fails with `setup-busy`. */
export async function alone<T>(work: () => Promise<T>, path: string = paths.setupLock): Promise<T> {
  const release = await lockSetup(path);
  try {
    return await work();
  } finally {
    await release();
  }
}

function busy(pid: string): never {
  return fail({
    code: "setup-busy",
    ...errorText("error.setup-busy"),
    ...sayFound("found.process", { pid }),
  });
}
