// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox boot` and `cbox demo` as a person runs them, at a terminal: the console is there, Ctrl-A x leaves, and
// nothing stays behind, however they end.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";
import { makeScratch } from "../../image/host/scratch.ts";
import { labDown } from "../lab/lab.ts";
import { existingNamespaces, switchOf, waitUntilEmpty } from "../lab/network.ts";
import { labDirectory } from "../lab/record.ts";
import { BOOT_MS } from "./harness.ts";
import { SerialLine } from "./serial-line.ts";

const LEAVE = "\x01x";
const LIMIT = { timeoutMs: BOOT_MS };
const SCRATCH = "/var/tmp/community-box";

let command: Command | undefined;

// What a run that was killed has left goes with the next scratch directory, and is not of these tests.
beforeAll(() => makeScratch().remove());
afterEach(() => command?.close());

test("vm-amd64 BIOS: cbox boot shows the boot loader, and leaves nothing behind", async () => {
  const before = leftovers();
  command = cbox("boot", "vm-amd64");
  await command.screen.expect(/without a network.*Leave with Ctrl-A x/s, LIMIT);
  await command.screen.expect(/GRUB/, LIMIT);
  command.screen.send(LEAVE);
  expect(await command.ended).toBe(0);
  expect(leftovers()).toEqual(before);
});

test("vm-amd64 BIOS: cbox demo connects a box to a lab of its own, and removes both at the end", async () => {
  command = cbox("demo");
  await command.screen.expect(/closed lab.*Leave with Ctrl-A x.*GRUB/s, LIMIT);
  expect(existingNamespaces("demo").length).toBeGreaterThan(2);
  const second = cbox("demo");
  await second.screen.expect(/error: .*\[lab-box-attached\]/, LIMIT);
  expect(await second.ended).toBe(1);
  command.screen.send(LEAVE);
  await command.screen.expect(/The box and the lab are gone/, LIMIT);
  expect(await command.ended).toBe(0);
  expect(existingNamespaces("demo")).toEqual([]);
  expect(existsSync(labDirectory("demo"))).toBe(false);
});

test("vm-amd64 BIOS: a demo stopped by a signal removes both as well, and reports that it was stopped", async () => {
  const before = leftovers();
  command = cbox("demo");
  await command.screen.expect(/GRUB/, LIMIT);
  process.kill(command.pid(), "SIGTERM");
  expect(await command.ended).toBe(130);
  expect(existingNamespaces("demo")).toEqual([]);
  expect(leftovers()).toEqual(before);
});

test("vm-amd64 BIOS: a killed demo leaves no running box, and the next demo cleans up after it", async () => {
  const before = leftovers();
  command = cbox("demo");
  await command.screen.expect(/GRUB/, LIMIT);
  process.kill(command.pid(), "SIGKILL");
  await command.ended;
  expect(await waitUntilEmpty(switchOf("demo"))).toEqual([]);
  expect(await labDown("demo")).toBe(true);
  expect(existingNamespaces("demo")).toEqual([]);
  makeScratch().remove();
  expect(leftovers()).toEqual(before);
});

function leftovers(): string[] {
  return existsSync(SCRATCH) ? readdirSync(SCRATCH) : [];
}

interface Command {
  readonly screen: SerialLine;
  /** Exit code. */
  readonly ended: Promise<number | null>;
  /** The process of the command itself. */
  pid(): number;
  close(): void;
}

/** Runs ./cbox at a terminal, which script(1) provides. */
function cbox(...words: readonly string[]): Command {
  const command = [process.execPath, join(PROJECT, "image/start.mjs"), ...words].join(" ");
  const options = ["--quiet", "--return", "--flush", "--command", `exec ${command}`, "/dev/null"];
  const script = spawn("script", options, { stdio: ["pipe", "pipe", "inherit"], cwd: PROJECT });
  const screen = new SerialLine();
  screen.connect(script.stdout, script.stdin);
  const ended = new Promise<number | null>((resolve) => {
    script.once("close", (code) => {
      screen.disconnect(`the command ended with ${code}`);
      resolve(code);
    });
  });
  return {
    screen,
    ended,
    pid: () => Number(readFileSync(`/proc/${script.pid}/task/${script.pid}/children`, "utf8").split(" ")[0]),
    close: () => void script.kill("SIGKILL"),
  };
}
