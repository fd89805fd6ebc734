// SPDX-License-Identifier: GPL-3.0-or-later
// The set-up on a box in memory: by answers file, refused, with a power cut after each single effect, and twice.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { paths } from "../../../../firstboot/host/paths.ts";
import type { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import { steps } from "../../../../firstboot/steps/index.ts";
import {
  ANSWERS_FILE,
  FakeBox,
  IMAGE,
  PASSWORD,
  REPORT_FILE,
  VALID_ANSWERS,
} from "../../helpers/fake-box.ts";
import { ANSWERS_WITH_VPN, openRunner } from "../../helpers/setup-runner.ts";

/** All after system and network. */
const laterSteps = steps.slice(2).map(({ id }) => id);

/** States in which the machine does something; in all others it waits for a person. */
const BUSY = /^(reading|finishing)$|_check$|^(apply|verify)_/;
const PATIENCE_MS = 20_000;

/** Lets the set-up run until it is done, the power is cut, or it waits for somebody. */
async function settle(runner: SetupRunner, box: FakeBox): Promise<string> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let quiet = 0; quiet < 10 && runner.state !== "done" && !box.isOff && Date.now() < deadline; ) {
    const before = `${runner.state} ${box.effects.length}`;
    await new Promise((resolve) => setImmediate(resolve));
    const isBusy = BUSY.test(runner.state) || before !== `${runner.state} ${box.effects.length}`;
    // bzip2 runs outside of this process and takes real time.
    if (isBusy) await new Promise((resolve) => setTimeout(resolve, 0));
    quiet = isBusy ? 0 : quiet + 1;
  }
  return runner.state;
}

function boxWith(answers: string): FakeBox {
  const box = new FakeBox();
  box.files.set(ANSWERS_FILE, answers);
  return box;
}

async function runWhole(box: FakeBox): Promise<SetupRunner> {
  const runner = await openRunner(box);
  runner.start();
  expect(await settle(runner, box)).toBe("done");
  return runner;
}

describe("the set-up by a valid answers file", () => {
  test("completes without a key press, and the report says so", async () => {
    const box = boxWith(VALID_ANSWERS);
    await runWhole(box);
    expect(box.files.has(paths.configured)).toBe(true);
    expect(parse(box.files.get(REPORT_FILE) ?? "")).toMatchObject({
      version: 1,
      result: "applied",
      errors: [],
    });
    expect(box.files.get("/etc/hostname")).toBe("can-bruixa\n");
    expect(box.files.get("/etc/localtime")).toBe("-> /usr/share/zoneinfo/Europe/Madrid");
    expect(box.system.accounts.get("anna")?.groups).toEqual(["sudo", "adm"]);
    expect(box.system.accounts.get("anna")?.shadow).toMatch(/^\$y\$/);
    for (const unit of ["ssh.service", "serf.service", "cbox-publish.timer", "incus-startup.service"])
      expect(box.system.enabled).toContain(unit);
    expect(box.system.tags.services).toBeTruthy();
  });

  test("makes the box's own SSH keys before sshd is enabled or started", async () => {
    const box = boxWith(VALID_ANSWERS);
    await runWhole(box);
    const keys = box.effects.indexOf("ssh-keygen -A");
    expect(keys).toBeGreaterThan(0);
    expect(box.effects.findIndex((effect) => /^systemctl \S+ ssh\.service/.test(effect))).toBeGreaterThan(
      keys,
    );
  });

  test("overwrites secrets in place, then removes them, and keeps comments", async () => {
    const box = boxWith(VALID_ANSWERS);
    await runWhole(box);
    expect(box.files.get(ANSWERS_FILE)).toContain("# Our box");
    expect(box.files.get(ANSWERS_FILE)).not.toContain(PASSWORD);
    expect(box.effects.indexOf(`overwrite ${ANSWERS_FILE}`)).toBeGreaterThan(0);
    expect(box.effects.indexOf(`overwrite ${ANSWERS_FILE}`)).toBeLessThan(
      box.effects.indexOf(`write ${ANSWERS_FILE}`),
    );
    expect(box.effects.indexOf(`write ${ANSWERS_FILE}`)).toBeLessThan(
      box.effects.indexOf(`write ${paths.configured}`),
    );
  });

  test("writes the password neither to a file nor to a command line", async () => {
    const box = boxWith(VALID_ANSWERS);
    await runWhole(box);
    expect(box.everWritten.length).toBeGreaterThan(20);
    expect(box.everWritten.filter((text) => text.includes(PASSWORD))).toEqual([]);
    expect(box.system.commands.filter((line) => line.includes(PASSWORD))).toEqual([]);
  });

  test("skips a network without DHCP with a warning, and its result is partial", async () => {
    const box = boxWith(VALID_ANSWERS);
    box.system.dhcpAddress = undefined;
    await runWhole(box);
    expect(parse(box.files.get(REPORT_FILE) ?? "")).toMatchObject({
      result: "partial",
      steps: [
        { id: "system", result: "applied" },
        { id: "network", result: "passed-over", detail: "no-address" },
        ...laterSteps.map((id) => ({ id, result: "applied" })),
      ],
    });
    expect(box.files.has(paths.serfConfig)).toBe(false);
    expect(box.system.enabled.has("serf.service")).toBe(true);
  });

  test("keeps answers that would set up the same box again, apart from the secret", async () => {
    const box = boxWith(VALID_ANSWERS);
    await runWhole(box);
    const kept = box.files.get(paths.answersKept) ?? "";
    const again = boxWith(kept.replace("    name: anna\n", `    name: anna\n    password: "${PASSWORD}"\n`));
    await runWhole(again);
    for (const path of ["/etc/hostname", paths.network, paths.sshd, paths.choices]) {
      expect(again.files.get(path)).toBe(box.files.get(path));
    }
  });
});

describe("the set-up by an invalid answers file", () => {
  const THREE_MISTAKES = `version: 1
system:
  hostname: Can Bruixa
  timezone: Europe/Madrit
  owner: { name: root, password: "${PASSWORD}" }
`;

  test("reports all mistakes together and applies nothing", async () => {
    const box = boxWith(THREE_MISTAKES);
    const runner = await openRunner(box);
    runner.start();
    expect(await settle(runner, box)).toBe("file_refused");
    const report = parse(box.files.get(REPORT_FILE) ?? "") as { result: string; errors: { field: string }[] };
    expect(report.result).toBe("refused");
    expect(report.errors.map(({ field }) => field)).toEqual([
      "system.timezone",
      "system.hostname",
      "system.owner.name",
    ]);
    expect(
      box.effects.filter((effect) => !/state\.json|answers-report|udevadm settle|lsblk/.test(effect)),
    ).toEqual([]);
    expect(box.files.get(ANSWERS_FILE)).toBe(THREE_MISTAKES);
  });

  test.each([
    ["waited for somebody", undefined, "welcome"],
    ["had refused one", THREE_MISTAKES, "file_refused"],
  ])("uses a valid file after a restart on a box that %s", async (_what, first, waiting) => {
    const box = boxWith(first ?? "");
    if (first === undefined) box.files.delete(ANSWERS_FILE);
    const runner = await openRunner(box);
    runner.start();
    expect(await settle(runner, box)).toBe(waiting);
    await runner.reached(waiting);
    runner.stop();
    box.powerOn();
    box.files.set(ANSWERS_FILE, VALID_ANSWERS);
    const again = await openRunner(box);
    expect(again.isResumed).toBe(false);
    again.start();
    expect(await settle(again, box)).toBe("done");
  });

  test("keeps the valid answers for a user who continues at the console", async () => {
    const box = boxWith(
      `${THREE_MISTAKES}network: { method: static, address: 10.1.2.3/24, gateway: 10.1.2.1 }\n`,
    );
    const runner = await openRunner(box);
    runner.start();
    await settle(runner, box);
    expect(runner.context.answers.network).toMatchObject({ method: "static", address: "10.1.2.3/24" });
    expect(runner.context.answers.system).not.toHaveProperty("hostname");
    expect(runner.context.providedSecrets).toEqual(["system.owner.password"]);
  });

  test.each([
    ["not YAML at all", "version: 1\nsystem: [", "yaml-syntax"],
    ["an unknown key", `${VALID_ANSWERS}netwrok: {}\n`, "unknown-key"],
    ["a password that is a number", VALID_ANSWERS.replace(`"${PASSWORD}"`, "12345678901"), "wrong-type"],
    ["a version of the future", VALID_ANSWERS.replace("version: 1", "version: 2"), "not-allowed"],
    ["static without address", `${VALID_ANSWERS}network: { method: static }\n`, "static-needs"],
    ["no owner", "version: 1\nsystem: {}\n", "missing"],
    ["neither password nor key", "version: 1\nsystem: { owner: { name: anna } }\n", "owner-no-entrance"],
    [
      "a private key",
      `${VALID_ANSWERS}    ssh_keys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]\n`,
      "ssh-key-private",
    ],
    ["a reference to nothing", VALID_ANSWERS.replace(`"${PASSWORD}"`, "*c"), "yaml-syntax"],
  ])("refuses %s by name", async (_what, answers, code) => {
    const box = boxWith(answers);
    const runner = await openRunner(box);
    runner.start();
    expect(await settle(runner, box)).toBe("file_refused");
    expect(runner.context.problems.map((each) => each.code)).toContain(code);
    const report = box.files.get(REPORT_FILE) ?? "";
    expect(report).toContain("result: refused");
    expect(report).not.toContain(PASSWORD);
    expect(report).not.toContain("12345678901");
    expect(report).not.toContain("PRIVATE KEY");
  });
});

describe("an answers file in another encoding", () => {
  test.each([
    [
      "Latin-1 (Windows-1252)",
      Buffer.from(VALID_ANSWERS.replace(PASSWORD, "contrase\xf1a-grisa-42"), "latin1"),
      8,
    ],
    ["UTF-16", Buffer.from(`\ufeff${VALID_ANSWERS}`, "utf16le"), 1],
    ["UTF-16", Buffer.from(VALID_ANSWERS, "utf16le"), 1],
  ])("is refused: %s", async (encoding, bytes, line) => {
    const box = boxWith("");
    box.bytes.set(ANSWERS_FILE, bytes);
    const runner = await openRunner(box);
    runner.start();
    expect(await settle(runner, box)).toBe("file_refused");
    expect(runner.context.problems).toMatchObject([
      {
        code: "file-encoding",
        found: encoding,
        expected: `The file is not saved as UTF-8 but as ${encoding}: see line ${line}. Save it again as UTF-8; in most editors it is a choice of Save As.`,
      },
    ]);
    expect(box.files.get(REPORT_FILE)).toContain(`found: ${encoding}`);
  });
});

describe("a restarted set-up", () => {
  /** The world as it is when all is done, without what differs from run to run by nature. */
  function picture(box: FakeBox): unknown {
    const own = [paths.state, paths.log, paths.configured, paths.published, paths.vpnAnswer, REPORT_FILE];
    return {
      files: Object.fromEntries(
        [...box.files].filter(([path]) => !own.includes(path) && !path.includes(".bad-")),
      ),
      accounts: [...box.system.accounts],
      enabled: [...box.system.enabled].sort(),
      tags: box.system.tags,
    };
  }

  test("ends with a configured box after a power cut at any single effect, as if there had been none", async () => {
    const calm = boxWith(ANSWERS_WITH_VPN);
    await runWhole(calm);
    const whole = picture(calm);
    for (let cut = 0; cut < calm.effects.length; cut++) {
      const box = boxWith(ANSWERS_WITH_VPN);
      box.cutAfter(cut);
      const first = await openRunner(box);
      first.start();
      await settle(first, box);
      expect(box.isOff, `cut ${cut} happened`).toBe(true);
      first.stop();
      box.powerOn();
      if (!box.files.has(paths.configured)) {
        const second = await openRunner(box);
        second.start();
        expect(await settle(second, box), `after cut ${cut}, before ${calm.effects[cut]}`).toBe("done");
      }
      expect(picture(box), `after cut ${cut}, before ${calm.effects[cut]}`).toEqual(whole);
      expect(box.everWritten.filter((text) => text.includes(PASSWORD))).toEqual([]);
    }
  }, 600_000);

  test("asks for a typed password again after a power cut, and for nothing else", async () => {
    const box = new FakeBox();
    const runner = await openRunner(box);
    runner.start();
    await typeAnswers(runner, box);
    box.cutAfter(8);
    runner.send({ type: "CONFIRM" });
    await settle(runner, box);
    runner.stop();
    box.powerOn();
    const resumed = await openRunner(box);
    expect(resumed.isResumed).toBe(true);
    resumed.start();
    expect(await settle(resumed, box)).toBe("secret_system");
    const system = steps[0]!;
    expect(resumed.missingSecrets(system).map(({ question }) => question.path)).toEqual(["owner.password"]);
    resumed.remember(system, "owner.password", PASSWORD);
    resumed.send({ type: "SECRETS" });
    expect(await settle(resumed, box)).toBe("done");
    expect(box.everWritten.filter((text) => text.includes(PASSWORD))).toEqual([]);
  });

  test("reads a snapshot of the previous release, with the former names of its fields", async () => {
    const box = new FakeBox();
    const runner = await openRunner(box);
    runner.start();
    await typeAnswers(runner, box);
    runner.stop();
    const saved = JSON.parse(box.files.get(paths.state) ?? "");
    const { providedSecrets, retainedSecrets, completedSteps, skippedSteps, ...rest } =
      saved.snapshot.context;
    expect(providedSecrets).toEqual(["system.owner.password"]);
    const context = {
      ...rest,
      ...{ given: providedSecrets, kept: retainedSecrets, settled: ["network"], passed: skippedSteps },
    };
    box.files.set(paths.state, JSON.stringify({ version: 2, snapshot: { ...saved.snapshot, context } }));
    const resumed = await openRunner(box);
    expect(resumed.isResumed).toBe(true);
    expect(resumed.state).toBe(runner.state);
    expect(resumed.context).toEqual({ ...runner.context, completedSteps: ["network"] });
    expect(completedSteps).toEqual([]);
  });

  test("leaves all files unchanged when nobody answered before", async () => {
    const box = new FakeBox();
    const first = await openRunner(box);
    first.start();
    expect(await settle(first, box)).toBe("welcome");
    first.stop();
    const written = box.everWritten.length;
    const second = await openRunner(box);
    second.start();
    expect(await settle(second, box)).toBe("welcome");
    // What it logs is no file of the box's configuration.
    const since = box.everWritten.slice(written).filter((text) => text.includes("snapshot"));
    expect(since).toEqual([]);
  });

  test.each([
    ["half of it", '{"version":1,"snap'],
    ["another release's", '{"version":99,"snapshot":{}}'],
    [
      "an unknown state",
      '{"version":2,"snapshot":{"status":"active","value":"gone","context":{"given":[],"answers":{}}}}',
    ],
  ])("puts an unusable snapshot (%s) aside and starts over", async (_what, content) => {
    const box = new FakeBox();
    box.files.set(paths.state, content);
    box.files.set(`${paths.state}.bad-1`, "from before");
    const runner = await openRunner(box);
    expect(runner.putAside).toBe(`${paths.state}.bad-2`);
    expect(box.files.get(`${paths.state}.bad-2`)).toBe(content);
    runner.start();
    expect(await settle(runner, box)).toBe("welcome");
  });
});

async function typeAnswers(runner: SetupRunner, box: FakeBox): Promise<void> {
  await settle(runner, box);
  runner.send({ type: "BEGIN" });
  const typed = {
    system: {
      language: "en",
      timezone: "Europe/Madrid",
      hostname: "can-bruixa",
      owner: { name: "anna", password: PASSWORD, ssh_keys: [] },
    },
    network: { method: "dhcp" },
    member: { sign_in: "later" },
    node: {},
    vpn: { join: false },
    contexts: { share: "little" },
    services: { serf: { enabled: true } },
  } as const;
  for (const step of steps) {
    expect(runner.state).toBe(step.id);
    runner.answer("ANSWER", step, typed[step.id as keyof typeof typed], await runner.probe(step));
    await runner.left(`${step.id}_check`);
  }
  expect(runner.state).toBe("review");
}

describe("the set-up with typed answers", () => {
  test("has the same result when it is applied twice", async () => {
    const box = new FakeBox();
    const runner = await openRunner(box);
    runner.start();
    await typeAnswers(runner, box);
    runner.send({ type: "CONFIRM" });
    await settle(runner, box);
    const files = new Map(box.files);
    const accounts = JSON.stringify([...box.system.accounts]);
    for (const step of steps) {
      const answers =
        step.id === "system"
          ? { ...runner.context.answers.system, owner: { name: "anna", password: PASSWORD, ssh_keys: [] } }
          : (runner.context.answers[step.id] ?? {});
      const tools = {
        box,
        image: IMAGE,
        providedSecrets: new Set(runner.context.providedSecrets),
        skippedSteps: new Set<string>(),
        answersOf: (id: string) => runner.context.answers[id] ?? {},
        progress: () => {},
        signal: new AbortController().signal,
      };
      await step.apply(answers, tools);
      await step.verify(answers, tools);
    }
    box.files.delete(paths.published);
    files.delete(paths.published);
    expect(box.files).toEqual(files);
    expect(JSON.stringify([...box.system.accounts])).toBe(accounts);
  });

  test("continues after SKIP without an address, and the box reports what is missing", async () => {
    const box = new FakeBox();
    box.system.dhcpAddress = undefined;
    const runner = await openRunner(box);
    runner.start();
    await typeAnswers(runner, box);
    runner.send({ type: "CONFIRM" });
    expect(await settle(runner, box)).toBe("failed_network");
    expect(runner.context.trouble?.code).toBe("no-address");
    runner.send({ type: "SKIP" });
    expect(await settle(runner, box)).toBe("done");
    expect(runner.context.warnings.map(({ code }) => code)).toEqual([
      "network-passed",
      "member-later",
      "serf-no-address",
    ]);
  });

  test("leaves no second account after a failure and a new owner name", async () => {
    const box = new FakeBox();
    box.system.dhcpAddress = undefined;
    const runner = await openRunner(box);
    runner.start();
    await typeAnswers(runner, box);
    runner.send({ type: "CONFIRM" });
    await settle(runner, box);
    runner.send({ type: "EDIT", step: "system" });
    const system = steps[0]!;
    const owner = { name: "berta", password: PASSWORD, ssh_keys: [] };
    runner.answer("ANSWER", system, { ...runner.context.answers.system, owner }, await runner.probe(system));
    expect(await settle(runner, box)).toBe("review");
    runner.send({ type: "CONFIRM" });
    await settle(runner, box);
    expect([...box.system.accounts.keys()]).toEqual(["berta"]);
  });

  test("without a password allows SSH by key only, sudo without a password, and no password login", async () => {
    const key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDt6nFFjJQqkB9dGfzaCCOYYsd6YyBDXpShAwtmQTYOz anna@laptop";
    const box = boxWith(`version: 1\nsystem: { owner: { name: anna, ssh_keys: ["${key}"] } }\n`);
    await runWhole(box);
    expect(box.system.accounts.get("anna")?.shadow).toBe("*");
    expect(box.files.get("/home/anna/.ssh/authorized_keys")).toBe(`${key}\n`);
    expect(box.files.get(paths.sshd)).toContain("PasswordAuthentication no");
    expect(box.files.get(paths.sshd)).toContain("\nX11Forwarding no\n");
    expect(box.files.get(paths.sshd)).toMatch(
      /^MaxAuthTries 4\nPerSourceMaxStartups 4\nMaxStartups 10:30:60$/m,
    );
    expect(box.files.get("/etc/sudoers.d/community-box-owner")).toContain("NOPASSWD");
  });

  test("creates an account again that a power cut left incomplete", async () => {
    const box = boxWith(VALID_ANSWERS);
    box.files.set(paths.choices, JSON.stringify({ owner: "anna" }));
    box.files.set("/etc/passwd", `${box.files.get("/etc/passwd")}anna:x:1000:1000::/home/anna:/bin/bash\n`);
    // useradd had written its databases, but no home.
    box.system.accounts.set("anna", { uid: 1000, shadow: "!", groups: [] });
    await runWhole(box);
    expect(box.effects).toContain("userdel --force --remove anna");
    expect(box.files.has("/home/anna/.profile")).toBe(true);
    expect(box.system.accounts.get("anna")?.shadow).toMatch(/^\$y\$/);
  });

  test("a failing system step in a set-up by file waits for a user, and the report says so", async () => {
    const box = boxWith(VALID_ANSWERS);
    box.files.set("/etc/machine-id", "");
    const runner = await openRunner(box);
    runner.start();
    expect(await settle(runner, box)).toBe("failed_system");
    expect(runner.context.trouble).toMatchObject({ code: "machine-id-missing" });
    const report = parse(box.files.get(REPORT_FILE) ?? "");
    expect(report).toMatchObject({
      result: "partial",
      steps: [
        { id: "system", result: "failed", detail: "machine-id-missing" },
        {},
        ...laterSteps.map(() => ({})),
      ],
    });
    // Nothing is wiped before the secret has done its work.
    expect(box.files.get(ANSWERS_FILE)).toBe(VALID_ANSWERS);
    box.files.set("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    runner.send({ type: "RETRY" });
    expect(await settle(runner, box)).toBe("done");
  });

  test("a boot partition that cannot be written prevents the report, not the set-up", async () => {
    const box = boxWith(VALID_ANSWERS);
    const write = box.writeFile.bind(box);
    box.writeFile = async (path, content) => {
      if (path.startsWith("/boot/efi/")) throw new Error("EROFS: read-only file system");
      await write(path, content);
    };
    const runner = await runWhole(box);
    expect(runner.context.warnings.map(({ code }) => code)).toEqual(["member-later", "answers-not-wiped"]);
    expect(box.files.has(paths.configured)).toBe(true);
  });
});
