// SPDX-License-Identifier: GPL-3.0-or-later
// The sandboxes of the services, as the release's own systemd sees them: how much each leaves open, and that there is
// nothing in them that systemd does not know. The program comes from the lab's root file system, whatever this machine has.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { $ } from "zx";
import { paths } from "../../firstboot/host/paths.ts";
import { labRoot } from "../../image/lab-root.ts";
import { exposures, exposureTable, GUARDED_UNITS, MOST_EXPOSED } from "../exposure.ts";
import { shippedUnits } from "../shipped-units.ts";

const SYSTEM = "usr/lib/systemd/system";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
/** The part of Debian's unit that counts here; the lab has no Avahi. */
const AVAHI = "[Service]\nType=dbus\nBusName=org.freedesktop.Avahi\nExecStart=/usr/sbin/avahi-daemon -s\n";
/** Of the image and of the catalogue, beside those of every box. */
const OTHERS = [
  "cbox-guifi-dns.service",
  "cbox-guifi-graphs-poll.service",
  "cbox-guifi-graphs-store.service",
  "cbox-guifi-graphs-web.service",
  "cbox-guifi-graphs.service",
  "cbox-guifi-proxy.service",
  "cbox-softdog.service",
  "cbox-streaming.service",
  "cbox-syncthing.service",
  "cbox-tahoe-introducer.service",
  "cbox-tahoe.service",
  "cbox-webdav.service",
];
const UNITS = [...GUARDED_UNITS, ...OTHERS];

const root = mkdtempSync(join(tmpdir(), "cbox-sandboxes-"));
let analyze: (...words: readonly string[]) => Promise<string>;

beforeAll(async () => {
  const lab = await labRoot();
  // By its own dynamic loader: no chroot, and nothing is written there.
  const program = [
    join(lab, LIBRARIES, "ld-linux-x86-64.so.2"),
    ...["--library-path", [LIBRARIES, `${LIBRARIES}/systemd`].map((path) => join(lab, path)).join(":")],
    join(lab, "usr/bin/systemd-analyze"),
  ];
  analyze = async (...words) => {
    const { stdout, stderr } = await $({ quiet: true, nothrow: true })`${program} ${words} --root=${root}`;
    return `${stdout}${stderr}`;
  };
  mkdirSync(join(root, SYSTEM), { recursive: true });
  for (const unit of ["tinc@.service", "serf.service"])
    cpSync(join(lab, SYSTEM, unit), join(root, SYSTEM, unit));
  writeFileSync(join(root, SYSTEM, "avahi-daemon.service"), AVAHI);
  for (const { path, text } of await shippedUnits()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  // As the set-up does it.
  for (const [unit, program] of [
    ["tinc@guifi.service", "tinc"],
    ["avahi-daemon.service", "avahi"],
  ] as const) {
    const link = join(root, paths.sandboxOf(unit));
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, paths.sandbox(program)), link);
  }
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test(`the units' sandboxes leave at most ${MOST_EXPOSED} of 10 open`, async () => {
  const levels = exposures(await analyze("security", "--offline=yes", "--no-pager", ...UNITS));
  console.log(exposureTable(levels));
  expect(Object.keys(levels).sort()).toEqual([...UNITS].sort());
  expect(Object.entries(levels).filter(([, level]) => level > MOST_EXPOSED)).toEqual([]);
});

test("the units contain no setting that systemd does not know", async () => {
  const said = await analyze("verify", "--man=no", "--recursive-errors=no", ...UNITS);
  // Their programs are not there, and other units neither.
  const ignored =
    /is not executable|Failed to (?:add|create) .*(?:job|dependency)|not found|has a bad unit file/;
  expect(said.split("\n").filter((line) => line && !ignored.test(line))).toEqual([]);
});
