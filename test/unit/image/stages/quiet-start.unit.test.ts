// SPDX-License-Identifier: GPL-3.0-or-later
// What stands on the consoles before the set-up does: nothing of the kernel's but what is wrong, and a line of ours at once.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT } from "../../../../image/host/paths.ts";
import { machineOf, resolveProfile } from "../../../../image/profile/index.ts";
import { templateData } from "../../../../image/stages/customize.ts";
import { finishFile } from "../../../../image/stages/template.ts";
import { temporaryDirectory } from "../../../temporary.ts";

const QUIET = ["quiet", "loglevel=3", "systemd.show_status=auto"];

async function rendered(id: string, overlay: string, target: string): Promise<string> {
  const plan = { profile: resolveProfile(id), community: {}, version: "1" };
  const data = templateData(plan as never, {} as never, 0);
  const { content } = await finishFile({ source: join(PROJECT, "overlays", overlay, target), target }, data);
  return content.toString();
}

describe.each([
  ["vm-amd64", "pc-x86"],
  ["minix-neo-z83-4", "pc-x86"],
  ["jetway-jbc362f36-i386", "pc-x86"],
  ["vm-arm64", "efi-arm64"],
])("the boot loader's menu of %s", (id, overlay) => {
  test("starts quietly, and has an entry that shows all messages", async () => {
    const text = await rendered(id, `${overlay}/boot`, "EFI/debian/grub.cfg.hbs");
    const entries = [...text.matchAll(/menuentry "(.+)" \{\s+linux (\S+) (.+)\n/g)];
    expect(entries.map(([, title]) => title)).toEqual([
      "Community Box",
      "Community Box, previous kernel",
      "Community Box, all messages of the start shown",
    ]);
    const words = entries.map(([, , , line = ""]) => line.split(" "));
    for (const first of words.slice(0, 2)) expect(first).toEqual(expect.arrayContaining(QUIET));
    for (const word of QUIET) expect(words[2]).not.toContain(word);
    const { consoles } = machineOf(resolveProfile(id));
    for (const line of words)
      expect(line.filter((word) => word.startsWith("console="))).toHaveLength(consoles.length);
    expect(words[2]).toContain("root=LABEL=CBOX-ROOT");
  });
});

test.each(["raspberry-pi", "raspberry-pi-5"])("%s starts quietly", async (id) => {
  const line = await rendered(id, "raspberry-pi/before", "etc/default/raspi-extra-cmdline.hbs");
  expect(line.split(/\s+/)).toEqual(expect.arrayContaining(QUIET));
});

describe("the set-up's unit", () => {
  const unit = (id: string) =>
    rendered(id, "base/files", "usr/lib/systemd/system/cbox-firstboot.service.hbs");

  test("announces the start of the set-up immediately on each console", async () => {
    expect(await unit("vm-amd64")).toContain(
      "ExecStartPre=-/usr/lib/community-box/say-starting tty1 hvc0 ttyS0\nExecStart=/usr/bin/cbox firstboot\n",
    );
  });

  test("prints nothing on the consoles of a converted machine", async () => {
    expect(await unit("convert-amd64")).not.toContain("say-starting");
  });
});

test("the announcement has three languages, and a console that is missing or blocked does not delay it", () => {
  const dev = temporaryDirectory();
  for (const name of ["tty1", "ttyS0"]) writeFileSync(join(dev, name), "");
  // Nobody reads at its other end: opening it waits.
  execFileSync("mkfifo", [join(dev, "held")]);
  const script = join(PROJECT, "overlays/base/files/usr/lib/community-box/say-starting");
  execFileSync(script, ["held", "no-such/port", "tty1", "ttyS0"], { env: { ...process.env, CONSOLES: dev } });
  for (const name of ["tty1", "ttyS0"]) {
    const said = readFileSync(join(dev, name), "utf8");
    expect(said).toMatch(/The set-up starts.*\r\n.*comenca.*\r\n.*empieza/s);
    expect(said).toMatch(/^[\r\n\x20-\x7e]*$/);
  }
  expect(existsSync(join(dev, "no-such"))).toBe(false);
});
