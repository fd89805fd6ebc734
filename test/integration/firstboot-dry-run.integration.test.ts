// SPDX-License-Identifier: GPL-3.0-or-later
// The wizard as people see it: the dry run on a real pseudo-terminal of 80x24, answered by keys, with arrows on a
// terminal that answers and with numbers on one that does not.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Asciicast, recordingPath } from "../boot/asciicast.ts";

const PASSWORD = "four wet goats sing";
const PATIENCE = 120_000;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cbox-dry-run-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A person at a terminal: waits for what is on the screen, then types. */
class Person {
  readonly #child: ChildProcess;
  #screen = "";
  #seen = 0;
  readonly ended: Promise<number | null>;

  constructor(isRich: boolean, recording?: Asciicast) {
    const wizard = `node --import tsx firstboot/main.ts firstboot --root ${root} --console -`;
    // script(1) makes the terminal.
    this.#child = spawn("script", ["-qefc", `stty rows 24 cols 80; exec ${wizard}`, "/dev/null"], {
      env: { ...process.env, CBOX_DRY_RUN_DELAY: "1" },
    });
    this.ended = new Promise((resolve) => this.#child.on("exit", resolve));
    this.#child.stdout?.on("data", (bytes: Buffer) => {
      this.#screen += bytes.toString();
      recording?.output(bytes.toString());
      if (isRich && bytes.includes("\x1b[6n")) this.type("\x1b[1;1R");
    });
  }

  get screen(): string {
    return this.#screen;
  }

  async sees(text: string): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const at = this.#screen.indexOf(text, this.#seen);
      if (at >= 0) {
        this.#seen = at + text.length;
        return;
      }
      if (Date.now() > deadline)
        throw new Error(`not seen: ${text}\nsince:\n${this.#screen.slice(this.#seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Sees a page, then types. */
  async at(tag: string, keys: string): Promise<void> {
    await this.sees(`[${tag}]`);
    await this.sees("> ");
    this.type(keys);
  }

  /** Reads what was wrong, then types again. */
  async corrects(complaint: string, keys: string): Promise<void> {
    await this.sees("[error]");
    await this.sees(complaint);
    await this.sees("> ");
    this.type(keys);
  }

  unplug(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Everything below the scratch directory, to look for secrets. */
function everything(): string {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")).join("\n");
}

function file(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

describe.each([
  ["rich", true],
  ["dumb", false],
] as const)("the dry run on a %s terminal", (kind, isRich) => {
  test("completes the set-up, with a mistake, a step back and a look at the help", async () => {
    // docs/picture.ts makes pictures of it.
    const recording = new Asciicast(recordingPath(`dry-run-${kind}`), `The set-up on a ${kind} terminal`);
    const person = new Person(isRich, recording);
    await person.sees("Press Enter to begin");
    person.type("\r");
    await person.at("system/language", "3\r");
    await person.at("system/timezone", "madrit\r");
    await person.corrects("Europe/Madrid", "?\r");
    await person.sees("[help/system/timezone]");
    person.type("\r");
    await person.at("system/timezone", "Europe/Paris\r");
    await person.at("system/hostname", "b\r");
    await person.at("system/timezone", "Europe/Madrid\r");
    await person.at("system/hostname", "can-bruixa\r");
    await person.at("system/updates", "\r");
    await person.at("system/owner.name", "Ánna Mas\r");
    await person.corrects("anna-mas", "anna\r");
    await person.at("system/owner.password", "short\r");
    await person.corrects("at least 10", `${PASSWORD}\r`);
    await person.at("system/owner.password.repeat", "something else\r");
    await person.at("system/owner.password", `${PASSWORD}\r`);
    await person.at("system/owner.password.repeat", `${PASSWORD}\r`);
    await person.at("system/owner.ssh_keys", "\r");
    await person.at("network/method", isRich ? "\x1b[B\r" : "2\r");
    await person.at("network/address", "10.1.2.3/24\r");
    await person.at("network/gateway", "10.1.3.1\r");
    await person.corrects("10.1.2.254", "10.1.2.1\r");
    await person.at("network/dns", "-\r");
    await person.at("member/sign_in", isRich ? "\x1b[B\r" : "2\r");
    await person.at("vpn/join", "\r");
    await person.at("contexts/share", "\r");
    await person.at("services/serf", "\r");
    // Pressed too often: nothing is applied by that.
    await person.at("services/which", "\r\r\r");
    await person.sees("[review]");
    await person.sees("10.1.2.3/24");
    person.type("3\r");
    await person.at("network/method", "1\r");
    await person.sees("[review]");
    await person.sees("DHCP");
    person.type("1\r");
    await person.sees("[apply]");
    await person.sees("[done] Set-up is complete");
    await person.sees("SHA256:");
    await person.sees("Set up: ");
    expect(person.screen).toMatch(/Set up: System, Network(, (VPN|Sharing|Services))*\s*\n/);
    expect(await person.ended).toBe(0);
    expect(file("etc/hostname")).toBe("can-bruixa\n");
    expect(file("etc/systemd/network/10-community-box.network")).toContain("DHCP=ipv4");
    expect(everything()).not.toContain(PASSWORD);
    expect(person.screen).not.toContain("goats");
    if (!isRich) expect(person.screen.replace("\x1b[6n", "")).toMatch(/^[\r\n\b\x20-\x7e]*$/);
    for (const line of person.screen.replace(/\x1b\[[0-9;]*[A-Za-z]/g, "\r").split(/[\r\n]+/)) {
      expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });
});

test("the dry run is left by Ctrl-C, and says how to continue", async () => {
  const person = new Person(false);
  await person.sees("Press Enter to begin");
  person.type("\r");
  await person.at("system/language", "3\r");
  await person.sees("[system/timezone]");
  person.type("\x03");
  await person.sees(`Interrupted. "firstboot --root ${root}" goes on where it was.`);
  expect(await person.ended).toBe(130);
});

test("the dry run does not repeat answered questions after a power cut", async () => {
  const before = new Person(false);
  await before.sees("Press Enter to begin");
  before.type("\r");
  await before.at("system/language", "2\r");
  await before.at("system/timezone", "\r");
  await before.at("system/hostname", "ca-la-mar\r");
  await before.sees("[system/updates]");
  before.unplug();
  await before.ended;
  const after = new Person(false);
  await after.sees("Continua una configuracion");
  after.type("\r");
  await after.at("system/language", "\r");
  await after.at("system/timezone", "\r");
  await after.sees("[system/hostname]");
  await after.sees("(ca-la-mar) > ");
  after.unplug();
});

describe("the dry run with answers.yaml", () => {
  const put = (text: string) => {
    mkdirSync(join(root, "boot/efi"), { recursive: true });
    writeFileSync(join(root, "boot/efi/answers.yaml"), text);
  };

  test("needs no key press", async () => {
    put(`version: 1\nsystem: { language: ca, owner: { name: anna, password: "${PASSWORD}" } }\n`);
    const person = new Person(false);
    await person.sees("[done] Set-up is complete");
    expect(await person.ended).toBe(0);
    expect(file("boot/efi/answers-report.yaml")).toContain("result: applied");
    expect(everything()).not.toContain(PASSWORD);
  });

  test("shows three mistakes together, and continues by hand on Enter", async () => {
    put(
      "version: 1\nsystem: { language: en, hostname: A B, timezone: Nowhere, owner: { name: root, ssh_keys: [] } }\n",
    );
    const person = new Person(false);
    await person.sees("[answers-refused] Nothing was changed.");
    for (const field of ["system.timezone", "system.hostname", "system.owner.name"]) await person.sees(field);
    await person.sees("Press Enter to begin");
    expect(file("boot/efi/answers-report.yaml")).toContain("result: refused");
    person.type("\r");
    await person.sees("[system/language]");
    await person.sees("(3) > ");
    person.unplug();
  });
});
