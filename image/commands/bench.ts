// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench`: ratios of build, size, boot time and memory against plain Debian, measured on this machine in one run
// and written to test/bench/results.md. `cbox bench services`: what each service costs, into test/bench/services.md.
// `cbox bench lynis`: what an audit by Lynis finds on a box, into test/bench/lynis.md.
import { say } from "../../common/say.ts";
import { measure, measureLynis, measureServices } from "../../test/bench/index.ts";
import { buildCommand } from "./build.ts";

export type Bench = "services" | "lynis";

export interface BenchOptions {
  /** For "lynis". */
  readonly image?: string;
}

export async function benchCommand(what?: Bench, { image }: BenchOptions = {}): Promise<void> {
  if (what === undefined) return say(`Written to ${await measure()}`);
  await buildCommand("vm-amd64", { community: "guifi" });
  if (what === "lynis") {
    const { report, page } = await measureLynis(image);
    say(`Hardening index ${report.hardeningIndex} of 100, ${report.warnings.length} warnings`);
    if (page) say(`Written to ${page}`);
    return;
  }
  const { page, tooLow } = await measureServices();
  say(`Written to ${page}`);
  if (tooLow.length) say(`Take more memory than their entries say: ${tooLow.join(", ")}`);
}
