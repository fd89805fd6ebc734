// SPDX-License-Identifier: GPL-3.0-or-later
// An answers.yaml with three mistakes: all three are reported, at the console and in the file, and nothing is done.
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
  box = await createBox({ ...(await subject("vm-amd64")), ownDisk: true });
  await (await box.bootPartition()).put("answers.yaml", ANSWERS);
  await box.powerOn();
});

afterAll(() => box?.destroy());

describe("vm-amd64 BIOS: an answers.yaml with three mistakes", () => {
  test("is refused at the console, each mistake with its field, and the way on by hand is open", async () => {
    const [screen] = await box.expect(/\[answers-refused\] Nothing was changed\..*Press Enter to begin/s, {
      timeoutMs: BOOT_MS,
    });
    const named = [...screen.matchAll(/^- ([a-z._]+): \S/gm)].map(([, field]) => field);
    expect(named.sort()).toEqual(MISTAKES);
    expect(box.line.transcript).not.toContain("xyzzy");
    box.key("enter");
    await box.expect(/\[system\/language\]/);
  });

  test("has changed nothing on the box", async () => {
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
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
