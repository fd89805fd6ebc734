// SPDX-License-Identifier: GPL-3.0-or-later
// The program that looks twice a minute whether something has begun or ceased to listen, in namespaces of its own, with
// programs that really listen. What it tells systemd is only noted.
import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { paths } from "../../firstboot/host/paths.ts";
import { PROJECT } from "../../image/host/paths.ts";
import { temporaryDirectory } from "../temporary.ts";

const PROGRAM = join(PROJECT, "overlays/base/files", paths.watchListeners);
const LISTEN = `require("node:net").createServer().listen(2222, () => console.log("listens"))`;

// "look" says what systemd is told; "note" is what `cbox publish` does before it looks at anything.
const ACTS = `
mount -t tmpfs none /run
ip link set lo up
look() { ${PROGRAM} | grep . || echo nothing; }
note() { ${PROGRAM} --note; }
begin() { mkfifo /run/up; node -e '${LISTEN}' >/run/up & server=$!; read -r line </run/up; rm /run/up; }
cease() { kill $server; wait $server 2>/dev/null || true; }
`;
const ANNOUNCE = "start --no-block cbox-publish.service";

function act(script: string): string[] {
  const programs = temporaryDirectory();
  writeFileSync(join(programs, "systemctl"), '#!/bin/sh\necho "$@"\n');
  chmodSync(join(programs, "systemctl"), 0o755);
  const inside = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const out = execFileSync("unshare", [...inside, "sh", "-euc", `${ACTS}${script}`], {
    env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
    encoding: "utf8",
  });
  return out.trim().split("\n");
}

test("the watch announces each start and end of a listener once, and nothing without a change", () => {
  expect(act("look; note; look; begin; look; note; look; cease; look; note; look")).toEqual([
    ANNOUNCE,
    "nothing",
    ANNOUNCE,
    "nothing",
    ANNOUNCE,
    "nothing",
  ]);
});

test("the watch announces again what another announcement saw gone, even if the watch never did", () => {
  expect(act("begin; note; look; cease; note; begin; look")).toEqual(["nothing", ANNOUNCE]);
});

test("the watch announces again after an announcement under way that missed a listener", () => {
  expect(act("note; look; begin; look; look; note; look")).toEqual([
    "nothing",
    ANNOUNCE,
    ANNOUNCE,
    "nothing",
  ]);
});
