// SPDX-License-Identifier: GPL-3.0-or-later
// For tests: the Failure some work ends with. Work that succeeds, or that throws anything else, fails the test.
import { Failure } from "../common/fail.ts";

export async function failureOf(work: () => unknown): Promise<Failure> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("expected a Failure, but the work succeeded");
}
