// SPDX-License-Identifier: GPL-3.0-or-later
// How programs run in a build: what their end is called, what is logged, and that an interruption ends them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createSession } from "../../../../image/host/session.ts";
import { temporaryDirectory } from "../../../temporary.ts";

function session(signal?: AbortSignal) {
  const logDirectory = temporaryDirectory();
  const output = new PassThrough() as unknown as NodeJS.WriteStream;
  return { output, ...createSession({ logDirectory, output, ...(signal ? { signal } : {}) }) };
}

const shell = (script: string) => ["sh", "-c", script];

describe("a failing program is reported", () => {
  it.each([
    [
      "echo 'write error: No space left on device' >&2; exit 1",
      "disk-full",
      "The disk ran full while sh was working.",
    ],
    ["kill -9 $$", "child-killed", "sh was killed from outside, most often because memory ran out."],
    ["exit 137", "child-killed", "sh was killed from outside, most often because memory ran out."],
    [
      "echo 'E: Unable to locate package sref'; exit 100",
      "package-unknown",
      'The package "sref" does not exist in the Debian release and architecture of this profile.',
    ],
    [
      "echo 'Could not resolve host'; exit 1",
      "mirror-unreachable",
      "The Debian mirror could not be reached.",
    ],
    [
      "echo 'E: Failed to fetch Packages.xz  File has unexpected size (346968 != 365796). Mirror sync in progress?'; exit 100",
      "mirror-inconsistent",
      "The Debian mirror does not have what its own signed list says: it is being updated, or it is broken.",
    ],
    ["nothing-of-this-name", "tool-missing", "The program sh could not be started."],
    ["echo last words >&2; exit 3", "tool-failed", "sh failed with exit code 3."],
  ])("by cause: %s", async (script, code, sentence) => {
    await expect(session().run(shell(script))).rejects.toMatchObject({ code, message: sentence });
  });

  it("with its last lines of output", async () => {
    await expect(session().run(shell("echo one; echo two >&2; exit 3"))).rejects.toMatchObject({
      found: expect.stringContaining("two"),
    });
  });
});

describe("a session", () => {
  it("quotes arguments for display", async () => {
    expect(await session().run(["printf", "%s|", "a b", "$HOME", "'", ""])).toBe("a b|$HOME|'||");
  });

  it("prefers the host's packages to programs that a user has in PATH, such as another Python", async () => {
    const bin = temporaryDirectory();
    for (const name of ["env", "only-here"])
      writeFileSync(join(bin, name), "#!/bin/sh\necho of the person\n", { mode: 0o755 });
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await session().run(["env", "printf", "of Debian"])).toBe("of Debian");
    expect(await session().run(["only-here"])).toBe("of the person\n");
  });

  it("keeps a log per stage and its duration, even after a failure", async () => {
    const { stage, run, logDirectory, timings } = session();
    await stage("good", "a good stage", () => run(shell("echo said")));
    await expect(
      stage("bad", "a bad stage", () => run(shell("echo wrong >&2; exit 1"))),
    ).rejects.toMatchObject({
      hint: `the whole output is in ${join(logDirectory, "bad.log")}`,
    });
    await expect.poll(() => readFileSync(join(logDirectory, "good.log"), "utf8")).toContain("said");
    await expect.poll(() => readFileSync(join(logDirectory, "bad.log"), "utf8")).toContain("wrong");
    expect([...timings.keys()]).toEqual(["good"]);
  });

  it("runs tasks side by side, each stage with its own log", async () => {
    const { stage, run, together, logDirectory } = session();
    const done = temporaryDirectory();
    // Each waits for the other: one after the other they would never end.
    const meeting = (own: string, other: string) => async () => {
      await stage(own, own, () =>
        run(
          shell(`echo of ${own}; touch ${done}/${own}; until [ -e ${done}/${other} ]; do sleep 0.05; done`),
        ),
      );
      return own;
    };
    expect(await together([meeting("one", "two"), meeting("two", "one")])).toEqual(["one", "two"]);
    const log = (name: string) => readFileSync(join(logDirectory, `${name}.log`), "utf8");
    expect(log("one")).toContain("\nof one\n");
    expect(log("one")).not.toContain("of two\n");
    expect(log("two")).toContain("\nof two\n");
  });

  it("stops the other tasks when one fails, waits for their end, and reports the first failure", async () => {
    const { stage, run, together, signal } = session();
    let hasEnded = false;
    const slow = async () => {
      await stage("slow", "slow", () => run(shell("sleep 600"))).finally(() => {
        hasEnded = true;
      });
    };
    const bad = () => stage("bad", "bad", () => run(shell("echo wrong >&2; exit 3")));
    await expect(together([slow, bad])).rejects.toMatchObject({ code: "tool-failed", found: "wrong" });
    expect(hasEnded).toBe(true);
    // What comes after is not stopped.
    expect(signal.aborted).toBe(false);
    expect(await run(["printf", "on"])).toBe("on");
  });

  it("stops its programs when it is interrupted, and ends with exit code 130", async () => {
    const interruption = new AbortController();
    const { run } = session(interruption.signal);
    const running = run(shell("echo started; sleep 600"));
    setTimeout(() => interruption.abort(), 200);
    await expect(running).rejects.toMatchObject({ code: "interrupted", exitCode: 130 });
    await expect(run(["true"])).rejects.toMatchObject({ code: "interrupted" });
  });
});
