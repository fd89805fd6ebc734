// SPDX-License-Identifier: GPL-3.0-or-later
// A simulated Debian for the dry run and for tests: the commands that the steps use, with enough effects for verify
// to succeed or fail. Independent of the steps.

import type { RunOptions, RunResult } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { SimulatedFiles } from "./files.ts";
import { SimulatedContexts } from "./incus.ts";
import { SimulatedServices } from "./services.ts";
import { simulatedTunnels, startTunnel } from "./tinc.ts";

/** Output of `sshd -T` before the box's own settings. */
const SSHD_DEFAULTS = `usepam yes
pubkeyauthentication yes
authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
authenticationmethods any
`;

interface Account {
  readonly uid: number;
  shadow: string;
  groups: string[];
}

export class SimulatedSystem {
  readonly accounts = new Map<string, Account>();
  readonly enabled = new Set<string>();
  readonly running = new Set<string>();
  readonly contexts = new SimulatedContexts();
  /** The interface's address from DHCP; undefined: no DHCP server. */
  dhcpAddress: string | undefined = "10.1.2.50/24";
  readonly interface = "enp1s0";
  pingable = true;
  /** Output of commands, by a whole command line or by a command. */
  readonly answers = new Map<string, string>();
  /** Commands that fail. */
  readonly failing = new Set<string>();
  members = 2;
  tags: Record<string, string> = {};
  /** All command lines, for tests that search them for secrets. */
  readonly commands: string[] = [];
  readonly services: SimulatedServices;

  readonly #files: SimulatedFiles;

  constructor(files: SimulatedFiles) {
    this.#files = files;
    this.services = new SimulatedServices(files, this);
    this.contexts.proxies = (project) => this.services.proxies(project);
  }

  async run(command: string, args: readonly string[], { input = "" }: RunOptions = {}): Promise<RunResult> {
    this.commands.push([command, ...args].join(" "));
    const result = await this.#answer(command, args, input);
    const said = this.services.docker.takeWords();
    if (typeof result === "string") return { code: 0, stdout: result, stderr: said };
    return { code: result, stdout: "", stderr: result ? said || `${command}: simulated failure` : "" };
  }

  /** Output, or an exit code. */
  async #answer(command: string, args: readonly string[], input: string): Promise<string | number> {
    const name = args.at(-1) ?? "";
    if (this.failing.has(command)) return 1;
    const said = this.answers.get([command, ...args].join(" ")) ?? this.answers.get(command);
    if (said !== undefined) return said;
    const ofContexts = this.contexts.answer(command, args, input);
    if (ofContexts !== undefined) return ofContexts;
    const ofServices = await this.services.answer(command, args, input);
    if (ofServices !== undefined) return ofServices;
    switch (command) {
      case "getent":
        return args.length === 1 ? this.#allAccounts() : this.#getent(args[0] ?? "", name);
      case "useradd":
        if (this.accounts.has(name)) return 9;
        this.accounts.set(name, { uid: 1000 + this.accounts.size, shadow: "!", groups: [] });
        await this.#files.write(`/home/${name}/.profile`, "");
        return 0;
      case "usermod":
        return this.#usermod(args, name);
      case "userdel":
        return this.accounts.delete(name) ? 0 : 6;
      case "groupdel":
        return 0;
      case "chpasswd":
        return this.#chpasswd(input);
      case paths.sshdProgram:
        return SSHD_DEFAULTS + ((await this.#files.read(paths.sshd)) ?? "").toLowerCase();
      case "ssh-keygen":
        return this.#sshKeygen(args);
      case "systemctl":
        return this.#systemctl(args);
      case "ip":
        return this.#ip(args);
      case "ss":
        return this.#ss();
      case "ping":
        return this.pingable ? 0 : 1;
      case paths.serfRpc:
        return this.#serf(args);
      case "mv":
        return this.#exchange(args.at(-2) ?? "", name);
      case "hostname":
      case "loginctl":
      case "networkctl":
      case "setupcon":
      case "shutdown":
      case "sync":
      case "udevadm":
        return 0;
      default:
        return 127;
    }
  }

  #allAccounts(): string {
    const own = [...this.accounts.keys()].map((name) => this.#getent("passwd", name)).join("");
    return `root:x:0:0::/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n${own}`;
  }

  #getent(database: string, name: string): string | number {
    const account = this.accounts.get(name);
    if (!account) return 2;
    const { uid, shadow } = account;
    if (database === "passwd") return `${name}:x:${uid}:${uid}::/home/${name}:/bin/bash\n`;
    if (database === "shadow") return `${name}:${shadow}:20000:0:99999:7:::\n`;
    return `${name}:x:${uid}:\n`;
  }

  #usermod(args: readonly string[], name: string): number {
    const account = this.accounts.get(name);
    if (!account) return 6;
    const groups = args[args.indexOf("--groups") + 1];
    if (args.includes("--groups") && groups) account.groups = groups.split(",");
    if (args.includes("--password")) account.shadow = args[args.indexOf("--password") + 1] ?? "";
    return 0;
  }

  #chpasswd(input: string): number {
    const [name = "", ...password] = input.trimEnd().split(":");
    const account = this.accounts.get(name);
    if (!account || password.length === 0) return 1;
    // Different for each password, without containing it.
    account.shadow = `$y$${[...password.join(":")].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) >>> 0, 7)}`;
    return 0;
  }

  async #sshKeygen(args: readonly string[]): Promise<string | number> {
    if (args[0] === "-l")
      return "256 SHA256:kTJyhs0iSoiHCyTG5LBSOAL/Dz9Ow/aQrLScJgnHL2s root@cbox (ED25519)\n";
    const path = "/etc/ssh/ssh_host_ed25519_key";
    if ((await this.#files.read(path)) === undefined) {
      await this.#files.write(path, "simulated private key\n");
      await this.#files.write(`${path}.pub`, "ssh-ed25519 AAAA simulated\n");
    }
    return 0;
  }

  async #systemctl([verb = "", ...rest]: readonly string[]): Promise<number> {
    const units = rest.filter((word) => !word.startsWith("-"));
    for (const unit of units) {
      if (verb === "enable") this.enabled.add(unit);
      if (verb === "disable") {
        this.enabled.delete(unit);
        this.running.delete(unit);
      }
      if (verb === "stop") this.running.delete(unit);
      if (verb === "start" || verb === "restart") {
        this.running.add(unit);
        await startTunnel(this.#files, unit);
      }
    }
    if (verb === "is-active") return units.every((unit) => this.running.has(unit)) ? 0 : 3;
    return verb === "is-enabled" && !units.every((unit) => this.enabled.has(unit)) ? 1 : 0;
  }

  /** `mv --exchange`. */
  async #exchange(one: string, other: string): Promise<number> {
    await this.#files.move(one, `${one}.moving`);
    await this.#files.move(other, one);
    await this.#files.move(`${one}.moving`, other);
    return 0;
  }

  async #ip(args: readonly string[]): Promise<string> {
    const file = (await this.#files.read("/etc/systemd/network/10-community-box.network")) ?? "";
    const fixed = /^Address=(.+)$/m.exec(file)?.[1];
    const [local, prefixlen] = (fixed ?? this.dhcpAddress ?? "").split("/");
    const addresses = local ? [{ local, prefixlen: Number(prefixlen) }] : [];
    const links = [
      { ifname: this.interface, addr_info: addresses },
      ...(await simulatedTunnels(this.#files, this.running)),
    ];
    const only = args.includes("dev") ? args.at(-1) : undefined;
    return JSON.stringify(links.filter(({ ifname }) => only === undefined || ifname === only));
  }

  #ss(): string {
    const lines = this.services.sockets();
    if (this.running.has("serf.service")) lines.push("tcp LISTEN 0 4096 10.1.2.50:5000 0.0.0.0:*");
    return `${lines.join("\n")}\n`;
  }

  async #serf(args: readonly string[]): Promise<string | number> {
    const isUp = this.running.has("serf.service") && (await this.#files.read("/etc/serf/community-box.json"));
    if (!isUp) return 1;
    const change = args.find((word) => word.startsWith("services="));
    if (args.includes("-set") && change) this.tags = { services: change.slice("services=".length) };
    if (args.includes("-delete")) this.tags = {};
    return JSON.stringify({ serf: { members: String(this.members) }, tags: this.tags });
  }
}
