// SPDX-License-Identifier: GPL-3.0-or-later
// An answers.yaml with three mistakes: all three are reported, at the console and in the file, and nothing is done.
// It is the start by UEFI with 64 bits as well, at a terminal that knows arrows.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as seen from "./observations.ts";
import { subject } from "./subject.ts";

const ANSWERS = `version: 1
system:
  language: en
  hostname: can bruixa
  owner:
    name: anna
    password: "xyzzy"
network:
  method: static
  address: 10.139.40.50/24
  gateway: 10.139.41.1
`;
const MISTAKES = ["network.gateway", "system.hostname", "system.owner.password"];

let box: Box;

beforeAll(async () => {
  const files = { "answers.yaml": ANSWERS };
  box = await createBox({
    ...(await subject("vm-amd64")),
    ...{ firmware: "efi64", terminal: "rich", ownDisk: true, files },
  });
  await box.powerOn();
});

afterAll(() => box?.destroy());

describe("vm-amd64 UEFI 64-bit: an answers.yaml with three mistakes", () => {
  test("is refused at the console with the field of each mistake, and the questions can be answered there", async () => {
    const [screen] = await box.expect(/\[answers-refused\] Nothing was changed\..*Press Enter to begin/s, {
      timeoutMs: BOOT_MS,
    });
    const named = [...screen.matchAll(/^- ([a-z._]+): \S/gm)].map(([, field]) => field);
    expect(named.sort()).toEqual(MISTAKES);
    expect(box.line.transcript).not.toContain("xyzzy");
    box.key("enter");
    await box.expect(/\[system\/language\]/);
  });

  test("leads to a menu that a rich terminal's arrow keys move in, and that Escape leaves", async () => {
    const chosen = async () => (await box.expect(/> (\d)\. [^\n]*\n/))[1];
    const first = await chosen();
    box.key("down");
    const second = await chosen();
    expect(second).not.toBe(first);
    box.key("up");
    expect(await chosen()).toBe(first);
    box.key("enter");
    await box.expect(/\[system\/timezone\]/);
    box.key("escape");
    await box.expect(/\[system\/language\]/);
  });

  test("does not affect the start by the firmware, nor the box's health", async () => {
    expect(await seen.firmware(box)).toBe("64");
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });

  test("leaves redirects and source routes of neighbours disabled", async () => {
    const settings = (name: string) => box.ask(`cat /proc/sys/net/ipv[46]/conf/*/${name} | sort -u`);
    for (const name of ["accept_redirects", "send_redirects", "accept_source_route"])
      expect({ name, values: await settings(name) }).toEqual({ name, values: "0" });
  });

  test("changes nothing on the box", async () => {
    expect(await box.shell("getent passwd anna")).toMatchObject({ code: 2, stdout: "" });
    expect(await box.shell("test -e /var/lib/community-box/configured")).toMatchObject({ code: 1 });
    expect(await box.shell("test -e /etc/systemd/network/10-community-box.network")).toMatchObject({
      code: 1,
    });
    expect(await box.shell("test -e /etc/hostname")).toMatchObject({ code: 1 });
    expect((await seen.identity(box)).hostKeys).toEqual([]);
    expect(await seen.passwords(box)).toEqual([]);
  });

  test("is reported in answers-report.yaml, without its secret", async () => {
    await box.ask("systemctl poweroff --no-block");
    await box.poweredOff();
    const partition = await box.bootPartition();
    const text = await partition.get("answers-report.yaml");
    const report = parse(text ?? "") as {
      result: string;
      steps: { result: string }[];
      errors: { field: string }[];
    };
    expect(report.result).toBe("refused");
    expect(report.errors.map(({ field }) => field).sort()).toEqual(MISTAKES);
    expect(new Set(report.steps.map(({ result }) => result))).toEqual(new Set(["not-applied"]));
    expect(text).not.toContain("xyzzy");
    // The file is the person's to correct: it is as it was.
    expect(await partition.get("answers.yaml")).toBe(ANSWERS);
  });
});
