// SPDX-License-Identifier: GPL-3.0-or-later
// The program of the web proxy that writes who may in: Squid is started anew when that is decided in another way than
// before, and only reloaded for another list of the same kind.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { readService } from "../../../common/catalogue.ts";
import { templateRenderer } from "../../../common/service-template.ts";
import { SERVICES } from "../../../image/host/paths.ts";
import { loadCommunity } from "../../../image/profile/index.ts";
import { sampleData } from "../../../image/services/lint.ts";
import { temporaryDirectory } from "../../temporary.ts";

const service = readService(SERVICES, "guifi-proxy");
const render = await templateRenderer();
let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  for (const each of ["bin", "systemd"]) mkdirSync(join(directory, each));
  const program = (name: string, text: string) =>
    writeFileSync(join(directory, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program("systemctl", `echo "$*" >>${directory}/systemctl.txt`);
  // What the site answers: what lies there.
  program("curl", `while [ "$1" != --output ]; do shift; done; cp ${directory}/site.txt "$2"`);
});

/** Runs it as it would be on a box with these users, and a list like this. Returns what it has systemd do. */
function update(users: "members" | "federation", list: string): string {
  writeFileSync(join(directory, "site.txt"), list);
  writeFileSync(join(directory, "systemctl.txt"), "");
  const data = sampleData(service, loadCommunity("guifi"), { users });
  const text = render(service.templates["federation.hbs"] ?? "", data)
    .replaceAll("/etc/squid/community-box", join(directory, "squid"))
    .replaceAll("/run/systemd/system", join(directory, "systemd"));
  const path = `${join(directory, "bin")}:${process.env.PATH}`;
  execFileSync("sh", ["-c", text], { env: { PATH: path } });
  return readFileSync(join(directory, "systemctl.txt"), "utf8").trim();
}

it.each([
  ["other users", "federation", "80000-inout\n70-out\n", "try-restart squid.service"],
  ["the same, again", "members", "80000-inout\n", ""],
] as const)('the proxy restarts only for a change, after "members": %s', (_what, users, list, systemctl) => {
  expect(update("members", "80000-inout\n")).toBe("try-restart squid.service");
  expect(update(users, list)).toBe(systemctl);
});

it.each([
  ["one proxy more", "80000-inout\n70-out\n71-inout\n", "try-reload-or-restart squid.service"],
  ["its own users alone", "80000-private\n70-out\n", "try-restart squid.service"],
  ["not declared any more", "70-out\n", "try-restart squid.service"],
])('the proxy reloads or restarts as needed, after "federation": %s', (_what, list, systemctl) => {
  update("federation", "80000-inout\n70-out\n");
  expect(update("federation", list)).toBe(systemctl);
});
