// SPDX-License-Identifier: GPL-3.0-or-later
// The script that starts the contexts that Incus has not started, with a made-up `incus` that keeps a list of its calls.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { OVERLAYS } from "../../../image/host/paths.ts";
import { temporaryDirectory } from "../../temporary.ts";

const SCRIPT = join(OVERLAYS, "base/files/usr/lib/community-box/start-contexts");
let bin: string;

beforeEach(() => {
  bin = join(temporaryDirectory(), "bin");
  mkdirSync(bin);
});

/** Runs it where `incus` does so: "list" prints the file named after the project, "start" ends as `start` says. */
function run(states: Readonly<Record<string, string>>, start = "exit 0") {
  for (const [context, state] of Object.entries(states)) writeFileSync(join(bin, context), state);
  writeFileSync(
    join(bin, "incus"),
    `#!/bin/sh
case $1 in
list) exec cat "${bin}/$3" ;;
start) echo "$*" >>"${bin}/started"; ${start} ;;
esac
`,
  );
  chmodSync(join(bin, "incus"), 0o755);
  const { status } = spawnSync("sh", [SCRIPT], { env: { PATH: `${bin}:${process.env.PATH}` } });
  const file = join(bin, "started");
  return { status, started: existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [] };
}

it("cbox-start-contexts starts a stopped context, and leaves the other alone", () => {
  expect(run({ owner: "RUNNING\n", community: "STOPPED\n" })).toEqual({
    status: 0,
    started: ["start community --project community"],
  });
});

it("it leaves alone a context that its owner has frozen, and one that does not exist", () => {
  expect(run({ owner: "FROZEN\n", community: "" })).toEqual({ status: 0, started: [] });
});

it("it fails when a context cannot be started, after trying the other as well", () => {
  expect(run({ owner: "STOPPED\n", community: "STOPPED\n" }, '[ "$2" = community ]')).toEqual({
    status: 1,
    started: ["start owner --project owner", "start community --project community"],
  });
});

it("it fails when Incus does not answer for a context", () => {
  expect(run({ owner: "RUNNING\n" })).toEqual({ status: 1, started: [] });
});
