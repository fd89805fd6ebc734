// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox reset`: what goes, what stays, in which order, after a power cut at any moment; and that nobody resets by mistake.

import { beforeEach, describe, expect, test } from "vitest";
import { fail } from "../../../../common/fail.ts";
import { parseResetArgs } from "../../../../firstboot/commands/reset.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { beginReset, completeReset, pendingReset } from "../../../../firstboot/setup/reset.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import type { Step } from "../../../../firstboot/setup/step.ts";
import { steps as allSteps } from "../../../../firstboot/steps/index.ts";
import { failureOf } from "../../../failure-of.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, REPORT_FILE, VALID_ANSWERS } from "../../helpers/fake-box.ts";
import { startRunner } from "../../helpers/setup-runner.ts";

const steps = allSteps.filter(({ id }) => ["system", "network", "services"].includes(id));
const USED_FILE = "/boot/efi/used-answers.yaml";
const HOME_FILE = "/home/anna/photos/cat.jpg";
let box: FakeBox;

async function setUp(on: FakeBox): Promise<void> {
  const runner = await startRunner(on, VALID_ANSWERS, { steps });
  await runner.reached("done");
  runner.stop();
}

beforeEach(async () => {
  box = new FakeBox();
  await setUp(box);
  box.files.set(HOME_FILE, "miau");
  box.files.set(paths.motd, "Community Box\n");
  box.files.set(paths.motdAtStart, "Community Box\n");
  box.files.set("/home/anna/.ssh/authorized_keys", "ssh-ed25519 AAAA\n");
  box.files.set(paths.setupState("network"), "{}");
});

const tools = (on: FakeBox) => ({ box: on, image: IMAGE, steps, log: openLog(on) });

async function resetAll(on: FakeBox, keepData: boolean): Promise<void> {
  await beginReset(on, { keepData });
  const pending = await pendingReset(on);
  expect(pending).toEqual({ keepData });
  await completeReset(tools(on), { keepData });
}

describe.each([
  ["--keep-data", true],
  ["--all", false],
])("reset %s", (_name, keepData) => {
  test("removes all of the set-up, so that nobody can log in and nothing listens", async () => {
    await resetAll(box, keepData);
    const left = [...box.files.keys()].filter((path) => path.startsWith("/var/lib/community-box/"));
    expect(left).toEqual([]);
    for (const path of [
      paths.network,
      paths.timesync,
      paths.sshd,
      paths.choices,
      paths.issue,
      paths.motd,
      paths.motdAtStart,
      paths.serfConfig,
      paths.serfRpcKey,
    ]) {
      expect(box.files.has(path), path).toBe(false);
    }
    expect([...box.system.accounts.keys()]).toEqual([]);
    expect(box.files.has("/home/anna/.ssh/authorized_keys")).toBe(false);
    expect([...box.system.enabled]).toEqual([]);
    expect([...box.system.running]).toEqual([]);
    expect(box.effects).toContain(`userdel --force ${keepData ? "" : "--remove "}anna`);
    expect(box.files.has("/etc/ssh/ssh_host_ed25519_key")).toBe(keepData);
  });

  test("does not use the answers of the previous set-up again", async () => {
    const text = box.files.get(ANSWERS_FILE);
    await resetAll(box, keepData);
    expect(box.files.has(ANSWERS_FILE)).toBe(false);
    expect(box.files.get(USED_FILE)).toBe(keepData ? text : undefined);
    expect(box.files.has(REPORT_FILE)).toBe(keepData);
    const runner = await SetupRunner.open({ ...tools(box) });
    runner.start();
    await runner.reached("welcome");
    runner.stop();
  });

  test("keeps answers that were put there since for the next set-up", async () => {
    const next = VALID_ANSWERS.replace("version: 1", "version: 1 # for the neighbour");
    box.files.set(ANSWERS_FILE, next);
    await resetAll(box, keepData);
    expect(box.files.get(ANSWERS_FILE)).toBe(next);
    expect(box.files.has(USED_FILE)).toBe(false);
  });

  test("allows the box to be set up again", async () => {
    await resetAll(box, keepData);
    await setUp(box);
    expect(box.files.has(paths.configured)).toBe(true);
    expect(box.system.accounts.has("anna")).toBe(true);
    expect(box.system.enabled).toContain("ssh.service");
  });

  test("is completed by the next boot after a power cut at each single effect", async () => {
    const start = {
      files: new Map(box.files),
      accounts: [...box.system.accounts],
      enabled: [...box.system.enabled],
    };
    const restore = () => {
      box.files.clear();
      for (const [path, content] of start.files) box.files.set(path, content);
      box.system.accounts.clear();
      for (const [name, account] of start.accounts) box.system.accounts.set(name, { ...account });
      box.system.enabled.clear();
      for (const unit of start.enabled) box.system.enabled.add(unit);
    };
    const picture = () => ({
      files: [...box.files.keys()]
        .filter((path) => ![paths.log, paths.published].includes(path as never))
        .sort(),
      accounts: [...box.system.accounts.keys()],
      enabled: [...box.system.enabled],
    });
    const before = box.effects.length;
    await resetAll(box, keepData);
    const whole = picture();
    const count = box.effects.length - before;
    expect(count).toBeGreaterThan(15);
    for (let cut = 0; cut < count; cut++) {
      restore();
      box.cutAfter(cut);
      await resetAll(box, keepData).catch(() => {});
      box.powerOn();
      const pending = await pendingReset(box);
      // Before the marker is written there is nothing to complete; after it is gone, neither.
      if (pending) await completeReset(tools(box), pending);
      const isUntouched = cut === 0;
      if (isUntouched) expect(box.files.has(paths.configured)).toBe(true);
      else expect(picture(), `after cut ${cut}`).toEqual(whole);
    }
  });
});

test("a reset first prevents logins, then unconfigures the box, and removes the marker last", async () => {
  const before = box.effects.length;
  await resetAll(box, false);
  const effects = box.effects.slice(before);
  expect(effects[0]).toBe(`write ${paths.resetting}`);
  expect(effects[1]).toBe("systemctl stop getty@tty1.service serial-getty@ttyS0.service");
  const gone = [REPORT_FILE, ANSWERS_FILE, paths.configured].map((path) => `remove ${path}`);
  expect(effects.slice(2, 5)).toEqual(gone);
  expect(effects.at(-1)).toBe(`remove ${paths.resetting}`);
  const sshOff = effects.findIndex((effect) => effect.startsWith("systemctl disable --now ssh"));
  expect(sshOff).toBeLessThan(effects.indexOf("userdel --force --remove anna"));
});

test("a reset goes through the steps in reverse, logs a failing one, and stops only for one that would leave access open", async () => {
  const order: string[] = [];
  const made = (id: string, skippable: boolean, isBroken = false): Step => ({
    ...(allSteps[0] as Step),
    id,
    skippable,
    reset: async (_box, _image, { keepData }) => {
      order.push(`${id} ${keepData}`);
      if (isBroken) fail({ code: "command-failed", what: "It does not stop." });
    },
  });
  await beginReset(box, { keepData: true });
  const some = [made("system", false), made("vpn", true, true), made("services", true)];
  await completeReset({ ...tools(box), steps: some }, { keepData: true });
  expect(order).toEqual(["services true", "vpn true", "system true"]);
  expect(box.files.get(paths.log)).toContain("reset vpn: It does not stop.");
  await beginReset(box, { keepData: true });
  const open = [made("system", false, true)];
  expect(
    await failureOf(() => completeReset({ ...tools(box), steps: open }, { keepData: true })),
  ).toMatchObject({ code: "command-failed" });
  expect(await pendingReset(box)).toEqual({ keepData: true });
});

test("a reset is incomplete when an account cannot be removed: account-stays", async () => {
  const run = box.run.bind(box);
  box.run = async (command, args, options) =>
    command === "userdel" ? { code: 1, stdout: "", stderr: "" } : run(command, args, options);
  expect(await failureOf(() => resetAll(box, true))).toMatchObject({
    code: "account-stays",
    message: 'The account "anna" could not be removed.',
  });
});

test("a damaged marker of a reset deletes no data", async () => {
  box.files.set(paths.resetting, "half a l");
  expect(await pendingReset(box)).toEqual({ keepData: true });
});

test("a home directory that stayed belongs to its owner again", async () => {
  await resetAll(box, true);
  const run = box.run.bind(box);
  const uid = (answer: string, isTaken: boolean) => {
    box.run = async (command, args, options) => {
      if (command === "stat") return { code: 0, stdout: `${answer}\n`, stderr: "" };
      if (command === "getent" && args[1] === answer)
        return { code: isTaken ? 0 : 2, stdout: "x", stderr: "" };
      return run(command, args, options);
    };
  };
  uid("1003", false);
  await setUp(box);
  expect(box.effects.filter((effect) => effect.startsWith("useradd")).at(-1)).toMatch(/--uid 1003 anna$/);
  await resetAll(box, true);
  uid("1003", true);
  await setUp(box);
  expect(box.effects.filter((effect) => effect.startsWith("useradd")).at(-1)).not.toContain("--uid");
});

test.each([
  [["--all"], { keepData: false, isSure: false }],
  [["--keep-data", "--yes"], { keepData: true, isSure: true }],
])("the options %j are accepted", (args, expected) => expect(parseResetArgs(args)).toEqual(expected));

test.each([[[]], [["--yes"]], [["--all", "--keep-data"]]])(
  "the options %j are refused, since they do not say what becomes of the data",
  async (args) => {
    expect(await failureOf(() => parseResetArgs(args))).toMatchObject({
      code: "usage",
      message: "A reset needs to know what becomes of the data.",
      exitCode: 2,
    });
  },
);
