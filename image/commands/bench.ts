// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench`: ratios of build, size, boot time and memory against plain Debian, measured on this machine in one
// run and written to test/bench/results.md. `cbox bench services`: what each service costs, into test/bench/services.md.
import { say } from "../../common/say.ts";
import { measure } from "../../test/bench/bench.ts";
import { measureServices } from "../../test/bench/services.ts";
import { buildCommand } from "./build.ts";

export async function benchCommand(what?: "services"): Promise<void> {
  if (what === undefined) return say(`Written to ${await measure()}`);
  await buildCommand("vm-amd64", { community: "guifi" });
  const { page, tooLow } = await measureServices();
  say(`Written to ${page}`);
  if (tooLow.length) say(`Take more memory than their entries say: ${tooLow.join(", ")}`);
}
