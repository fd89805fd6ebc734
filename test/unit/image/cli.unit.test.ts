// SPDX-License-Identifier: GPL-3.0-or-later
// The command line: what is mistyped gets a guess and exit code 2, and no error leaves without a sentence.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProgram, main } from "../../../image/cli.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "cbox-home-"));
  vi.stubEnv("XDG_CACHE_HOME", home);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const hear = (stream: "out" | "err", text: string) => {
    said[stream] += text;
    return true;
  };
  vi.spyOn(console, "log").mockImplementation((text) => hear("out", `${text}\n`));
  vi.spyOn(console, "error").mockImplementation((text) => hear("err", `${text}\n`));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => hear("out", String(text)));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => hear("err", String(text)));
  const code = await main(words);
  vi.restoreAllMocks();
  return { code, ...said };
}

describe("./cbox", () => {
  it("without arguments shows the help, which opens with the two commands to start with", async () => {
    const { code, out } = await run();
    expect(code).toBe(0);
    expect(out).toContain("./cbox demo ");
    expect(out).toContain("./cbox test ");
    expect((await run("--help")).code).toBe(0);
  });

  it("has the documented commands", () => {
    const names = createProgram().commands.map((command) => command.name());
    expect(names).toEqual([
      ...["profiles", "profile", "doctor", "build", "boot", "flash", "answers", "services"],
      ...["steps", "lab", "demo", "test", "bench"],
    ]);
  });

  it.each([
    [
      "buld vm-amd64",
      "error: Unknown command 'buld'. [usage]\nfound: ./cbox buld vm-amd64\nhint:  did you mean build?\n",
    ],
    ["banana", "error: Unknown command 'banana'. [usage]\nfound: ./cbox banana\nhint:  ./cbox --help\n"],
    [
      "build vm-amd64 --relase",
      "error: Unknown option '--relase'. [usage]\nfound: ./cbox build vm-amd64 --relase\nhint:  did you mean --release?\n",
    ],
    [
      "build",
      "error: Say which profile to build, or --all. [usage]\nfound: ./cbox build\nhint:  ./cbox profiles\n",
    ],
    [
      "profiles now",
      "error: Too many arguments for 'profiles'. Expected 0 arguments but got 1. [usage]\nfound: ./cbox profiles now\nhint:  ./cbox profiles --help\n",
    ],
    [
      "boot vm-amd64 --firmware efi",
      "error: Option '--firmware <name>' argument 'efi' is invalid. Allowed choices are bios, efi64, efi32. [usage]\nfound: ./cbox boot vm-amd64 --firmware efi\nhint:  ./cbox boot --help\n",
    ],
    ["lab upp", "error: Unknown command 'upp'. [usage]\nfound: ./cbox lab upp\nhint:  did you mean up?\n"],
    [
      "lab fault dns-dead of",
      "error: Command-argument value 'of' is invalid for argument 'state'. Allowed choices are on, off. [usage]\nfound: ./cbox lab fault dns-dead of\nhint:  ./cbox lab --help\n",
    ],
    [
      "lab fault dns-dead",
      "error: Say whether the fault goes on or off. [usage]\nfound: ./cbox lab fault dns-dead\nhint:  ./cbox lab fault dns-dead on\n",
    ],
    [
      "profile shw x",
      "error: Unknown command 'shw'. [usage]\nfound: ./cbox profile shw x\nhint:  did you mean show?\n",
    ],
  ])("explains the wrong command line: %s", async (line, expected) => {
    const { code, err, out } = await run(...line.split(" "));
    expect({ code, err, out }).toEqual({ code: 2, err: expected, out: "" });
  });

  it("profile without a sub-command lists the sub-commands", async () => {
    const { code, err } = await run("profile");
    expect(code).toBe(2);
    expect(err).toContain("show [options] <id>");
    expect(err).toContain("error: Say what to do, as the help above lists. [usage]");
  });

  it("prints a failure as its sentence and ends with its exit code", async () => {
    const { code, out, err } = await run("profile", "show", "vm-amd46");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(
      /^error: There is no profile "vm-amd46"; did you mean "vm-amd64"\? \[profile-unknown\]\nfound: the profiles .*vm-amd64.*\nhint: {2}.\/cbox profiles\n$/,
    );
  });

  it("profiles lists what can be built", async () => {
    const { code, out } = await run("profiles");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}vm-amd64 +amd64 +trixie +Virtual machine/m);
  });

  it("profile show prints YAML, JSON, and origins", async () => {
    expect((await run("profile", "show", "vm-amd64")).out).toMatch(
      /^id: vm-amd64\n[\s\S]*\nkernel:\n {2}package: linux-image-amd64\n/,
    );
    expect(JSON.parse((await run("profile", "show", "vm-amd64", "--json")).out)).toMatchObject({
      id: "vm-amd64",
    });
    expect((await run("profile", "show", "vm-amd64", "--origin")).out).toMatch(
      /^qemu\.disk +virtio +profiles\/vm-amd64\.yaml:\d+$/m,
    );
  });

  it("ends with one sentence and exit code 130 on Ctrl-C", async () => {
    const cli = fileURLToPath(new URL("../../../image/start.mjs", import.meta.url));
    // A checkup takes long enough to be interrupted: the signal goes out when it has asked its first question.
    const slow = join(home, "bin");
    mkdirSync(slow);
    writeFileSync(join(slow, "gpg"), "#!/bin/sh\nkill -INT $PPID\nsleep 0.2\n", { mode: 0o755 });
    const env = { ...process.env, PATH: `${slow}:${process.env.PATH}` };
    const { status, stderr } = spawnSync("node", [cli, "doctor"], {
      env,
      encoding: "utf8",
    });
    expect(status).toBe(130);
    expect(stderr).toBe(
      "error: Stopped by Ctrl-C. What was finished is kept; the same command goes on from there. [interrupted]\n",
    );
  });

  it("reports an unexpected error as its own mistake in a short sentence, with the stack in a file", async () => {
    const broken = vi.spyOn(JSON, "stringify").mockImplementation(() => {
      throw new TypeError("cannot read properties of undefined");
    });
    const { code, err, out } = await run("profiles", "--json");
    broken.mockRestore();
    const [, path = ""] = /please report it together with (\S+)\n$/.exec(err) ?? [];
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(
      /^error: This is a mistake in Community Box, not yours\. \[internal-error\]\nfound: cannot read properties of undefined\nhint: /,
    );
    expect(err).not.toContain("    at ");
    expect(path.startsWith(`${home}/community-box/log/crash-`)).toBe(true);
    expect(readFileSync(path, "utf8")).toMatch(/TypeError: cannot read properties of undefined\n {4}at /);
  });
});
