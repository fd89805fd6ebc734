// SPDX-License-Identifier: GPL-3.0-or-later
// Costs of contexts: the time to create them, memory, one more sliver, and the speed of work in a context.
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity, machineOf, resolveProfile } from "../../image/profile/index.ts";
import { createBox } from "../boot/harness.ts";
import * as contexts from "../boot/inside.ts";
import { labUp } from "../lab/lab.ts";
import type { Row } from "./results.ts";

const ANSWERS = `version: 1
system:
  language: en
  hostname: bench
  owner: { name: anna, password: "cargol groc damunt la teulada" }
network: { method: dhcp }
vpn: { join: false }
contexts: { share: half }
services: { serf: { enabled: false } }
`;
const STEP_MS = 900_000;

/** @param image vm-amd64, unpacked; it is booted in a lab of its own. */
export async function measureContexts(image: string): Promise<Row[]> {
  const lab = await labUp({ name: "bench", community: loadCommunity("guifi"), root: await labRoot() });
  try {
    const profile = machineOf(resolveProfile("vm-amd64"));
    const box = await createBox({ image, profile, lab, ownDisk: true, memoryMib: 2048 });
    try {
      await (await box.bootPartition()).put("answers.yaml", ANSWERS);
      await box.powerOn();
      await box.expect(/\[apply\]/, { timeoutMs: STEP_MS });
      const applied = stopwatch();
      await box.expect(/\[apply\] Disk for the contexts/, { timeoutMs: STEP_MS });
      const divided = stopwatch();
      await box.expect(/\[done\] Set-up is complete/, { timeoutMs: STEP_MS });
      const seconds = { whole: applied(), dividing: divided() };
      await box.ask("systemctl is-system-running --wait || true", { timeoutMs: STEP_MS });
      const memory = await contexts.memoryOf(box, "owner");
      const processor = await contexts.processorRatio(box);
      const fileSystem = await contexts.fileSystemRatio(box);
      const sliver = await contexts.makeSliver(box, "web");
      const row = (what: string, result: string, aim: string): Row => ({
        ...{ what, ours: result, theirs: "-", result, aim },
      });
      return [
        row("the whole of apply, from the first action to done", `${seconds.whole} s`, "reported"),
        row("of it dividing the box: partition, Incus, both contexts", `${seconds.dividing} s`, "reported"),
        row("memory of a context at rest", `${memory} MiB`, "reported"),
        row(
          "one more sliver",
          `${sliver.seconds.toFixed(0)} s, ${sliver.mib.toFixed(1)} MiB`,
          "seconds, 5 MB",
        ),
        row("processor in a context / on the box", processor.toFixed(2), "0.95"),
        row("writing a file in a context / on the box", fileSystem.toFixed(2), "0.95"),
      ];
    } finally {
      await box.destroy();
    }
  } finally {
    await lab.down();
  }
}

/** Whole seconds since the call. */
function stopwatch(): () => number {
  const started = performance.now();
  return () => Math.round((performance.now() - started) / 1000);
}
