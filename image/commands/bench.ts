// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench`: ratios of build, size, boot time and memory against plain Debian, measured on this machine in one
// run and written to test/bench/results.md.
import { measure } from "../../test/bench/bench.ts";

export async function benchCommand(): Promise<void> {
  console.log(`Written to ${await measure()}`);
}
