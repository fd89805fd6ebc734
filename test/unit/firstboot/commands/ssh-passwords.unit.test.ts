// SPDX-License-Identifier: GPL-3.0-or-later
// SSH by key only: offered to who gives a key and has a password, never assumed of a file that does not say it, and
// without effect on the consoles of the box.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { statusOf, stepData, stepStatusText } from "../../../../firstboot/commands/status.ts";
import { setUpStep } from "../../../../firstboot/commands/step-setup.ts";
import { openLog } from "../../../../firstboot/host/log.ts";
import { writeChoices } from "../../../../firstboot/host/owner-settings.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { translator } from "../../../../firstboot/i18n/translate.ts";
import { checkFile } from "../../../../firstboot/setup/answers/check.ts";
import { SetupRunner } from "../../../../firstboot/setup/runner.ts";
import { allSteps } from "../../../../firstboot/steps/index.ts";
import { system } from "../../../../firstboot/steps/system/index.ts";
import { ANSWERS_FILE, FakeBox, IMAGE, PASSWORD } from "../../helpers/fake-box.ts";
import { type Person, personAtPort } from "../../helpers/person.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDt6nFFjJQqkB9dGfzaCCOYYsd6YyBDXpShAwtmQTYOz anna@laptop";

let box: FakeBox;

beforeEach(() => {
  box = new FakeBox();
});

/** Sets the box up by a file whose section "system" ends with these lines. */
async function setUp(lines: string): Promise<void> {
  box.files.set(
    ANSWERS_FILE,
    `version: 1\nsystem:\n  language: en\n  hostname: can-bruixa\n  owner: { name: anna, password: "${PASSWORD}", ${lines}\n`,
  );
  const runner = await SetupRunner.open({ box, image: IMAGE, steps: [system], log: openLog(box) });
  runner.start();
  await runner.settles(["done", "file_refused"]);
  expect(runner.state).toBe("done");
}

const sshd = () => box.files.get(paths.sshd) ?? "";

let unplug: () => void = () => {};
afterEach(() => unplug());

/** `cbox system setup` on a terminal, answered up to the keys. */
async function setUpAgain(keys: readonly string[]): Promise<{ person: Person; ended: Promise<unknown> }> {
  const { person, port, hangUp } = personAtPort();
  unplug = hangUp;
  const ended = setUpStep({ box, image: IMAGE, steps: [system], log: openLog(box) }, system, { port }).catch(
    (error: unknown) => error,
  );
  for (const question of ["language", "timezone", "hostname", "owner.password"])
    await person.answers(`system/${question}`);
  for (const key of keys) await person.answers("system/owner.ssh_keys", key);
  await person.answers("system/owner.ssh_keys");
  return { person, ended };
}

/** Confirms, and waits for the end. */
async function confirm({ person, ended }: Awaited<ReturnType<typeof setUpAgain>>): Promise<void> {
  await person.answers("review", "1");
  await person.sees("[done] system is set up");
  person.type("\r");
  expect(await ended).toBe("done");
}

describe("an answers file", () => {
  test("with a key and without a choice leaves passwords enabled", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }`);
    expect(sshd()).toContain("PasswordAuthentication yes");
  });

  test("may ask for keys only, and the password stays valid at the consoles", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }\n  ssh: { keys_only: true }`);
    expect(sshd()).toContain("PasswordAuthentication no");
    expect(box.system.accounts.get("anna")?.shadow).toMatch(/^\$y\$/);
    expect(box.files.has("/etc/sudoers.d/community-box-owner")).toBe(false);
  });

  test("is refused when it asks for keys only without giving one", async () => {
    const owner = { name: "anna", password: PASSWORD };
    const found = await checkFile(
      { version: 1, system: { owner, ssh: { keys_only: true } } },
      allSteps,
      box,
      IMAGE,
    );
    expect(found.problems).toMatchObject([{ field: "system.ssh.keys_only", code: "ssh-no-keys" }]);
  });
});

describe("the question about keys only at a console", () => {
  test("is asked of an owner with a key, and keys only is the default", async () => {
    await setUp("}");
    // Set up anew, as on a new card: no choice was made yet.
    box.files.set(paths.sshd, "");
    const talk = await setUpAgain([KEY]);
    await talk.person.answers("system/ssh.keys_only");
    await confirm(talk);
    expect(sshd()).toContain("PasswordAuthentication no");
    expect(box.system.accounts.get("anna")?.shadow).toMatch(/^\$y\$/);
  });

  test("enables passwords, too, when the answer is no", async () => {
    await setUp("}");
    const talk = await setUpAgain([KEY]);
    await talk.person.answers("system/ssh.keys_only", "2");
    await confirm(talk);
    expect(sshd()).toContain("PasswordAuthentication yes");
  });

  test("defaults to passwords on a box where they are enabled", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }`);
    const talk = await setUpAgain([]);
    await talk.person.answers("system/ssh.keys_only");
    await confirm(talk);
    expect(sshd()).toContain("PasswordAuthentication yes");
  });

  test("is not asked of an owner without a key", async () => {
    await setUp("}");
    const talk = await setUpAgain([]);
    await confirm(talk);
    expect(talk.person.screen).not.toContain("ssh.keys_only");
    expect(sshd()).toContain("PasswordAuthentication yes");
  });

  test("is undone, with passwords enabled again, when the owner removes the keys", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }\n  ssh: { keys_only: true }`);
    expect(sshd()).toContain("PasswordAuthentication no");
    const talk = await setUpAgain([]);
    await talk.person.answers("system/ssh.keys_only", "b");
    await talk.person.answers("system/owner.ssh_keys", "-");
    await confirm(talk);
    expect(sshd()).toContain("PasswordAuthentication yes");
  });
});

describe("the SSH lines of cbox system", () => {
  const shown = async (language: string) =>
    stepStatusText(await statusOf(system, box, IMAGE), translator(language))
      .split("\n")
      .filter((line) => /SSH/.test(line));
  const logins = async () => stepData(await statusOf(system, box, IMAGE)).ssh_logins;

  test("show that passwords are accepted, and who has no key", async () => {
    await setUp("}");
    expect(await shown("en")).toEqual([
      "  SSH takes        keys and passwords",
      "  SSH keys         anna: none",
    ]);
    expect(await logins()).toEqual([{ name: "anna", passwords: true, keys: 0 }]);
  });

  test("show that only keys are accepted, and how many each account has", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }\n  ssh: { keys_only: true }`);
    expect(await shown("en")).toEqual(["  SSH takes        keys only", "  SSH keys         anna: 1"]);
    expect(await logins()).toEqual([{ name: "anna", passwords: false, keys: 1 }]);
  });

  test.each([
    ["ca", "claus i contrasenyes", "anna: cap"],
    ["es", "claves y contraseñas", "anna: ninguna"],
  ])("are translated in %s", async (language, taken, keys) => {
    await setUp("}");
    await writeChoices(box, { language });
    const lines = (await shown(language)).join("\n");
    expect(lines).toContain(taken);
    expect(lines).toContain(keys);
  });

  test("show what the owner changed by hand, and other accounts", async () => {
    await setUp(`ssh_keys: ["${KEY}"] }\n  ssh: { keys_only: true }`);
    box.files.set(paths.sshd, "PermitRootLogin yes\nKbdInteractiveAuthentication yes\n");
    box.system.accounts.set("joan", { uid: 1001, shadow: "$y$", groups: [] });
    box.files.set(
      "/home/joan/.ssh/authorized_keys2",
      `# of the laptop\n${KEY}\n\nfrom="10.0.0.0/8" ${KEY}\nx\n`,
    );
    expect(await logins()).toEqual([
      { name: "root", passwords: true, keys: 0 },
      { name: "anna", passwords: true, keys: 1 },
      { name: "joan", passwords: true, keys: 2 },
    ]);
    expect(await shown("en")).toEqual([
      "  SSH takes        keys and passwords",
      "  SSH keys         root: none; anna: 1; joan: 2",
    ]);
  });

  test("name the command to see them for a user without the rights", async () => {
    await setUp("}");
    box.system.failing.add(paths.sshdProgram);
    box.readFile = async (path) => {
      if (path.includes("authorized_keys")) throw new Error("EACCES");
      return box.files.get(path);
    };
    expect(await shown("en")).toEqual([
      "  SSH takes        see sudo cbox system",
      "  SSH keys         see sudo cbox system",
    ]);
    expect(await logins()).toEqual([
      { name: "root", passwords: null, keys: null },
      { name: "anna", passwords: null, keys: null },
    ]);
  });

  test("are absent on a machine without an SSH server", async () => {
    await setUp("}");
    box.files.delete(paths.sshdProgram);
    expect(await shown("en")).toEqual([]);
    expect(await logins()).toBeUndefined();
  });
});
