// SPDX-License-Identifier: GPL-3.0-or-later
// Two consoles of one set-up, on real terminal devices: both greet, the one who presses Enter has it, the other may take
// it over, a pulled cable harms nobody, and a console that is not there is skipped.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveConsoles } from "../../firstboot/console/consoles.ts";
import { openConsole } from "../../firstboot/console/device.ts";
import { readImageInfo } from "../../firstboot/host/image-info.ts";
import { openLog } from "../../firstboot/host/log.ts";
import { SetupRunner } from "../../firstboot/setup/runner.ts";
import { dryRunBox } from "../../firstboot/simulator/dry-run.ts";
import { steps } from "../../firstboot/steps/index.ts";

/** One end of a line: a pseudo-terminal whose other end is a device that the wizard can open. */
class Line {
  readonly #child: ChildProcess;
  #text = "";
  #seen = 0;

  constructor() {
    // The shell only says the device's name and keeps it open, as a kernel console does.
    this.#child = spawn("script", ["-qfc", "tty; exec sleep 600", "/dev/null"]);
    this.#child.stdout?.on("data", (bytes: Buffer) => {
      this.#text += bytes.toString();
    });
  }

  /** Name below /dev. */
  async device(): Promise<string> {
    await this.sees("\n");
    return this.#text.trim().split("\n")[0]?.trim().replace("/dev/", "") ?? "";
  }

  async sees(text: string): Promise<void> {
    const deadline = Date.now() + 120_000;
    while (!this.#text.includes(text, this.#seen)) {
      if (Date.now() > deadline)
        throw new Error(`not seen: ${text}\nsince:\n${this.#text.slice(this.#seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#seen = this.#text.indexOf(text, this.#seen) + text.length;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  pull(): void {
    this.#child.kill("SIGKILL");
  }
}

let root: string;
let lines: Line[];
let runner: SetupRunner;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "cbox-consoles-"));
  process.env.CBOX_DRY_RUN_DELAY = "1";
  lines = [new Line(), new Line()];
  const box = await dryRunBox(root);
  runner = await SetupRunner.open({ box, image: await readImageInfo(box), steps, log: openLog(box) });
  runner.start();
});

afterEach(() => {
  for (const line of lines) line.pull();
  runner.stop();
  rmSync(root, { recursive: true, force: true });
});

test("two consoles greet, take control, take it over, disconnect, and see the end", async () => {
  const [first, second] = lines as [Line, Line];
  const consoles = [
    { device: "no-such-port" },
    { device: await first.device() },
    { device: await second.device(), speed: 115200 },
  ];
  const served = serveConsoles(runner, consoles);
  await first.sees("Press Enter to begin");
  await second.sees("Press Enter to begin");
  first.type("\r");
  await first.sees("[system/language]");
  await second.sees("[busy]");
  await first.sees("> ");
  first.type("1\r");
  await first.sees("[system/timezone]");

  second.type("\r");
  await second.sees("[take-over]");
  await second.sees("> ");
  second.type("1\r");
  await second.sees("[system/language]");
  await first.sees("[busy]");
  await second.sees("> ");
  second.type("\r");
  await second.sees("[system/timezone]");

  second.pull();
  await first.sees("Press Enter to begin");
  first.type("\r");
  await first.sees("[system/language]");
  for (const [tag, keys] of [
    ["system/language", "\r"],
    ["system/timezone", "\r"],
    ["system/hostname", "\r"],
    ["system/updates", "\r"],
    ["system/owner.name", "anna\r"],
    ["system/owner.password", "four wet goats sing\r"],
    ["system/owner.password.repeat", "four wet goats sing\r"],
    ["system/owner.ssh_keys", "\r"],
    ["network/method", "\r"],
    ["member/sign_in", "2\r"],
    ["vpn/join", "\r"],
    ["contexts/share", "\r"],
    ["services/serf", "\r"],
    ["services/which", "\r"],
    ["review", "\r"],
  ] as const) {
    if (tag !== "system/language") await first.sees(`[${tag}]`);
    await first.sees("> ");
    first.type(keys);
  }
  await first.sees("[done] Set-up is complete");
  await served;
});

test("a device that does not work as a terminal is not a console", async () => {
  expect(await openConsole({ device: "no-such-port" })).toBeUndefined();
  expect(await openConsole({ device: "null" })).toBeUndefined();
});
