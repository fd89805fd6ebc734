// SPDX-License-Identifier: GPL-3.0-or-later
// The guest of the KVM probe, seen to run where every machine can run it: emulated.
import { expect, it } from "vitest";
import { guestRuns } from "../../image/doctor/kvm.ts";

it("the probe's guest prints its text under emulation", async () => {
  expect(await guestRuns("tcg", 60_000)).toBe(true);
});

it("the probe fails for a guest that prints nothing in time", async () => {
  const started = performance.now();
  expect(await guestRuns("tcg", 1)).toBe(false);
  expect(performance.now() - started).toBeLessThan(60_000);
});
