// SPDX-License-Identifier: GPL-3.0-or-later
// A box in memory: files, made-up commands (firstboot/simulator/system.ts), a clock that does not wait, and a plug that can be
// pulled after any effect. What was done before the cut stays; nothing is done after it.

import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../../common/fail.ts";
import type {
  Box,
  HttpRequest,
  HttpResponse,
  LdapBind,
  RunOptions,
  RunResult,
  WriteOptions,
} from "../../../firstboot/host/box.ts";
import type { ImageInfo } from "../../../firstboot/host/image-info.ts";
import { paths } from "../../../firstboot/host/paths.ts";
import { DRY_RUN_IMAGE } from "../../../firstboot/simulator/image.ts";
import { SimulatedSystem } from "../../../firstboot/simulator/system.ts";
import { PROJECT } from "../../../image/host/paths.ts";

export const IMAGE: ImageInfo = {
  ...DRY_RUN_IMAGE,
  version: "0.1.0",
  profile: { id: "vm-amd64", title: "Virtual machine", architecture: "amd64", release: "trixie" },
  consoles: [{ device: "tty1" }, { device: "ttyS0", speed: 115200 }],
  community: {
    ...DRY_RUN_IMAGE.community,
    title: "guifi.net",
    dns: { servers: ["10.138.0.2"], search: [] },
    ntp: { servers: ["10.138.0.2"] },
    serf: { ...DRY_RUN_IMAGE.community.serf, bootstrap: ["10.139.40.22:5000"] },
  },
};

export const ANSWERS_FILE = "/boot/efi/answers.yaml";
export const REPORT_FILE = "/boot/efi/answers-report.yaml";

/** The image's own. */
const PRESEED = readFileSync(join(PROJECT, "overlays/base/files", paths.contextPreseed), "utf8");

export class PowerCut extends Error {}

const keys: { privateKey: string; publicKey: string }[] = [];

/** RSA key number `index` of this test run, as PEM. Made when asked for: it takes a moment. */
export function rsaKey(index: number): { privateKey: string; publicKey: string } {
  keys[index] ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return keys[index];
}

const filterResults = new Map<string, Uint8Array>();

/** What a filter such as bzip2 makes of its input. It is run once for each: the tests ask for the same thousands of times. */
function filtered(command: string, input: Uint8Array): Uint8Array {
  const key = `${command} ${Buffer.from(input).toString("base64")}`;
  const known = filterResults.get(key);
  if (known) return Uint8Array.from(known);
  const made = execFileSync(command, { input });
  filterResults.set(key, made);
  return Uint8Array.from(made);
}

function unreachable(url: string): never {
  return fail({ code: "server-unreachable", what: `${new URL(url).hostname} cannot be reached.` });
}

export class FakeBox implements Box {
  readonly files = new Map<string, string>();
  /** Files of a person that are no UTF-8; until they are written again. */
  readonly bytes = new Map<string, Buffer>();
  readonly system = new SimulatedSystem({
    read: async (path) => this.files.get(path),
    write: async (path, content) => void this.files.set(path, content),
    list: (path) => this.list(path),
    move: async (from, to) => this.#move(from, to),
    remove: async (gone) => {
      for (const path of [...this.files.keys()])
        if (path === gone || path.startsWith(`${gone}/`)) this.files.delete(path);
    },
  });
  /** The servers of the community; unreachable unless a test puts some here. */
  servers: Pick<Box, "request" | "ldapBind"> = {
    request: async ({ url }) => unreachable(url),
    ldapBind: async ({ url }) => unreachable(url),
  };
  /** Permissions and owners that files were written with, by path. */
  readonly rights = new Map<string, WriteOptions>();
  /** Names of the effects so far, in order. */
  readonly effects: string[] = [];
  /** Everything that was ever written anywhere, for the search for secrets. */
  readonly everWritten: string[] = [];
  /** Milliseconds that every command takes. One with a shorter limit is ended. */
  slowness = 0;
  #clock = Date.UTC(2026, 0, 1);
  #cutAfter = Number.POSITIVE_INFINITY;
  #isOff = false;

  constructor() {
    const start: Record<string, string> = {
      [paths.imageInfo]: JSON.stringify(IMAGE),
      "/proc/meminfo": "MemTotal:        2015000 kB\n",
      "/proc/cpuinfo": "processor\t: 0\nprocessor\t: 1\n",
      "/proc/sys/kernel/threads-max": "15700\n",
      [paths.contextPreseed]: PRESEED,
      [`${paths.contextTemplate}/metadata.tar`]: "",
      [`${paths.contextTemplate}/rootfs.squashfs`]: "",
      "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
      [paths.sshdProgram]: "",
      "/etc/passwd": "root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/:/usr/sbin/nologin\n",
      "/etc/group": "root:x:0:\nsudo:x:27:\nadm:x:4:\n",
      "/usr/share/zoneinfo/Europe/Madrid": "",
      "/usr/share/zoneinfo/Europe/Paris": "",
      "/usr/share/zoneinfo/UTC": "",
      "/usr/share/zoneinfo/zone.tab": "",
    };
    for (const [path, content] of Object.entries(start)) this.files.set(path, content);
    this.plugIn("enp1s0", true);
  }

  /** Adds an Ethernet interface. */
  plugIn(name: string, hasCarrier: boolean): void {
    this.files.set(`/sys/class/net/${name}/type`, "1\n");
    this.files.set(`/sys/class/net/${name}/address`, "52:54:00:12:34:56\n");
    this.files.set(`/sys/class/net/${name}/carrier`, hasCarrier ? "1\n" : "0\n");
    this.files.set(`/sys/class/net/${name}/device/vendor`, "0x1af4\n");
  }

  /** The power goes after this many more effects. */
  cutAfter(effects: number): void {
    this.#cutAfter = this.effects.length + effects;
  }

  get isOff(): boolean {
    return this.#isOff;
  }

  /** On again: the disk is as it was, what ran does not run any more. */
  powerOn(): void {
    this.#isOff = false;
    this.#cutAfter = Number.POSITIVE_INFINITY;
    this.system.running.clear();
    for (const unit of this.system.enabled) this.system.running.add(unit);
    for (const path of [...this.files.keys()]) if (path.startsWith("/run/")) this.files.delete(path);
  }

  /** Every effect goes through here. */
  async #effect<T>(name: string, run: () => T | Promise<T>): Promise<T> {
    this.#live();
    if (this.effects.length >= this.#cutAfter) {
      this.#isOff = true;
      throw new PowerCut(`power cut before ${name}`);
    }
    this.effects.push(name);
    return run();
  }

  #live(): void {
    if (this.#isOff) throw new PowerCut("the box is off");
  }

  #put(path: string, content: string): void {
    this.everWritten.push(`${path}\n${content}`);
    this.files.set(path, content);
  }

  async run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.#effect([command, ...args].join(" "), () => {
      const { timeout = Number.POSITIVE_INFINITY } = options;
      this.#clock += Math.min(this.slowness, timeout);
      if (this.slowness > timeout) return { code: 137, stdout: "", stderr: "", endedAfter: timeout / 1000 };
      return this.system.run(command, args, options);
    });
  }

  async filter(command: string, input: Uint8Array): Promise<Uint8Array> {
    this.#live();
    return filtered(command, input);
  }

  async request(wanted: HttpRequest): Promise<HttpResponse> {
    return this.#effect(`${wanted.method} ${new URL(wanted.url).hostname}`, () =>
      this.servers.request(wanted),
    );
  }

  async ldapBind(bind: LdapBind): Promise<"accepted" | "refused"> {
    return this.#effect(`bind ${new URL(bind.url).hostname}`, () => this.servers.ldapBind(bind));
  }

  async readFile(path: string): Promise<string | undefined> {
    this.#live();
    return this.files.get(path);
  }

  async readBytes(path: string): Promise<Buffer | undefined> {
    this.#live();
    const text = this.files.get(path);
    return this.bytes.get(path) ?? (text === undefined ? undefined : Buffer.from(text));
  }

  async writeFile(path: string, content: string, options: WriteOptions = {}): Promise<void> {
    await this.#effect(`write ${path}`, () => {
      this.rights.set(path, options);
      this.#put(path, content);
    });
  }

  async overwrite(path: string, content: Uint8Array): Promise<void> {
    await this.#effect(`overwrite ${path}`, () => {
      this.#put(path, Buffer.from(content).toString());
      if (this.bytes.has(path)) this.bytes.set(path, Buffer.from(content));
    });
  }

  /** The log is no effect: losing lines of it loses nothing. */
  async appendFile(path: string, text: string): Promise<void> {
    this.#live();
    this.#put(path, (this.files.get(path) ?? "") + text);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#effect(`mkdir ${path}`, () => {});
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#effect(`link ${path}`, () => this.#put(path, `-> ${target}`));
  }

  async readLink(path: string): Promise<string | undefined> {
    this.#live();
    return this.files.get(path)?.replace(/^-> /, "");
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#effect(`rename ${from} ${to}`, () => this.#move(from, to));
  }

  /** A file, or all that is below a directory. */
  #move(from: string, to: string): void {
    for (const path of this.#at(from)) {
      this.#put(to + path.slice(from.length), this.files.get(path) ?? "");
      this.files.delete(path);
    }
  }

  #at(place: string): string[] {
    return [...this.files.keys()].filter((path) => path === place || path.startsWith(`${place}/`));
  }

  async remove(path: string): Promise<void> {
    if (!(await this.exists(path))) return;
    await this.#effect(`remove ${path}`, () => {
      for (const each of this.#at(path)) this.files.delete(each);
    });
  }

  async exists(path: string): Promise<boolean> {
    this.#live();
    return this.#at(path).length > 0;
  }

  async list(path: string, { recursive = false } = {}): Promise<string[]> {
    this.#live();
    const below = [...this.files.keys()].filter((file) => file.startsWith(`${path}/`));
    const names = below.map((file) => file.slice(path.length + 1));
    return [...new Set(recursive ? names : names.map((name) => name.split("/")[0] ?? ""))].sort();
  }

  now(): Date {
    return new Date(this.#clock);
  }

  /** Time passes at once, but other things get their turn. */
  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    this.#live();
    this.#clock += milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }

  inTurn<T>(_lock: string, work: () => Promise<T>): Promise<T> {
    return work();
  }

  randomHex(bytes: number): string {
    return "5a".repeat(bytes);
  }

  /** The same one each time. */
  async rsaPrivateKey(): Promise<string> {
    this.#live();
    return rsaKey(0).privateKey;
  }
}

export const PASSWORD = "four wet goats sing";

export const VALID_ANSWERS = `# Our box
version: 1
system:
  language: en
  hostname: can-bruixa
  owner:
    name: anna
    password: "${PASSWORD}"
`;
