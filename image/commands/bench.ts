// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox bench`: placeholder.
import { fail } from "../../common/fail.ts";

export async function benchCommand(): Promise<void> {
  fail({ code: "not-yet", what: "The benchmark is not written yet." });
}
