// SPDX-License-Identifier: GPL-3.0-or-later
// The simulated packages and contexts of the dry run and of tests: installed packages are remembered, a running unit
// listens on its ports, and a context is a directory with the same commands.

import { catalogue } from "../catalogue/catalogue.ts";
import { SimulatedDocker } from "./docker.ts";
import type { SimulatedFiles } from "./files.ts";

/** The sockets of a running unit, in the form of `ss -Hlntu`. */
const SOCKETS: { readonly [unit: string]: readonly string[] } = {
  "ssh.service": ["tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*"],
  "avahi-daemon.service": ["udp UNCONN 0 0 0.0.0.0:5353 0.0.0.0:*"],
};

/** The first unit of a service listens on all its ports. */
function socketsOf(unit: string): readonly string[] {
  const service = catalogue.find(({ units }) => units[0] === unit);
  if (SOCKETS[unit] || !service) return SOCKETS[unit] ?? [];
  return service.ports.map(
    ({ port, protocol, public: isPublic }) =>
      `${protocol} ${protocol === "udp" ? "UNCONN" : "LISTEN"} 0 256 ${isPublic ? "*" : "127.0.0.1"}:${port} *:*`,
  );
}

/** Accounts and groups that come with packages. */
const OWNERS: ReadonlySet<string> = new Set(
  catalogue.flatMap(({ files }) => files.flatMap(({ owner }) => owner.split(":"))),
);

/** Commands that only services use: they succeed without output. */
const COMMANDS: ReadonlySet<string> = new Set(
  catalogue
    .flatMap(({ prepare, activate, deactivate, health }) => [...prepare, ...activate, ...deactivate, health])
    .map(({ run }) => run?.[0] ?? "")
    .filter((command) => command !== "systemctl"),
);

const DEVICE_ID = Array.from({ length: 8 }, () => "ABCDEFG").join("-");

/** The services on the host or in one context. */
interface SimulatedPlace {
  /** Prefix of every path. */
  readonly root: string;
  readonly enabled: Set<string>;
  /** For a context: what is enabled. */
  readonly running: ReadonlySet<string>;
}

export class SimulatedServices {
  /** For tests: packages that fail to install. */
  readonly brokenPackages = new Set<string>();
  /** For tests: units that start but do not listen. */
  readonly deafUnits = new Set<string>();

  /** Boxes in the storage grid. */
  gridBoxes = 1;
  readonly docker: SimulatedDocker;

  readonly #files: SimulatedFiles;
  readonly #host: SimulatedPlace;
  readonly #contexts = new Map<string, SimulatedPlace>();
  /** Ports of contexts on which Incus listens, by context and device. */
  readonly devices = new Map<string, string>();
  /** Their targets inside, by the same keys. */
  readonly #targets = new Map<string, string>();

  constructor(files: SimulatedFiles, host: Omit<SimulatedPlace, "root">) {
    this.#files = files;
    this.docker = new SimulatedDocker(files);
    this.#host = { root: "", ...host };
  }

  /** Output or an exit code; undefined for commands unrelated to services. */
  async answer(
    command: string,
    args: readonly string[],
    input: string,
  ): Promise<string | number | undefined> {
    return command === "incus" ? this.#incus(args, input) : this.#inside(this.#host, command, args, input);
  }

  /** In the form of Incus. */
  proxies(context: string): { [device: string]: { [key: string]: string } } {
    const own = [...this.devices].filter(([key]) => key.startsWith(`${context}/`));
    return Object.fromEntries(
      own.map(([key, listen]) => {
        const device = { type: "proxy", bind: "host", listen, connect: this.#targets.get(key) ?? "" };
        return [key.slice(context.length + 1), device];
      }),
    );
  }

  /** Lines of `ss` for the host. */
  sockets(): string[] {
    const forwarded = [...this.devices.values()].flatMap((listen) => {
      const [protocol = "tcp", address = "", numbers = ""] = listen.split(":");
      const [first = 0, last = first] = numbers.split("-").map(Number);
      return Array.from(
        { length: last - first + 1 },
        (_, index) =>
          `${protocol} ${protocol === "udp" ? "UNCONN" : "LISTEN"} 0 4096 ${address}:${first + index} 0.0.0.0:*`,
      );
    });
    return [...this.#sockets(this.#host), ...forwarded];
  }

  #sockets({ running }: SimulatedPlace): string[] {
    return [...running]
      .filter((unit) => !this.deafUnits.has(unit))
      .flatMap((unit) => {
        const own = socketsOf(unit);
        return own.length ? own : this.docker.sockets(unit);
      });
  }

  async #incus(args: readonly string[], input: string): Promise<string | number | undefined> {
    const [verb, ...rest] = args;
    if (verb === "exec") {
      const [name = "", , , , command = "", ...words] = rest;
      return (await this.#inside(this.#context(name), command, words, input)) ?? 127;
    }
    if (verb === "file") return this.#push(rest);
    if (verb !== "config" || rest[0] !== "device") return undefined;
    const [, act, name = "", device = "", , listen = "", connect = ""] = rest;
    if (act === "list") {
      const own = [...this.devices.keys()].filter((key) => key.startsWith(`${name}/`));
      return own.map((key) => `${key.slice(name.length + 1)}\n`).join("");
    }
    const key = `${name}/${device}`;
    if (act === "get") return this.devices.get(key) ?? 1;
    if (act === "add") {
      if (this.devices.has(key)) return 1;
      this.devices.set(key, listen.replace("listen=", ""));
      this.#targets.set(key, connect.replace("connect=", ""));
      return 0;
    }
    return this.devices.delete(key) ? 0 : 1;
  }

  #context(name: string): SimulatedPlace {
    const known = this.#contexts.get(name);
    if (known) return known;
    const enabled = new Set<string>();
    const made = { root: `/var/lib/incus/containers/${name}_${name}/rootfs`, enabled, running: enabled };
    this.#contexts.set(name, made);
    return made;
  }

  async #inside(
    place: SimulatedPlace,
    command: string,
    args: readonly string[],
    input: string,
  ): Promise<string | number | undefined> {
    const isHost = place === this.#host;
    const last = args.at(-1) ?? "";
    const at = (path: string) => `${place.root}${path}`;
    switch (command) {
      case "env":
        return this.#packages(place, args);
      case "dpkg-query":
        return this.#query(place, args);
      case "install":
        if (args.includes("/dev/null")) await this.#files.write(at(last), "");
        return 0;
      case "tee":
        await this.#files.write(at(last), input);
        return 0;
      case "sed":
        return this.#sed(args);
      case "runuser":
        return args.includes("syncthing") ? this.#syncthing(place, args, input) : 0;
      case "getent":
        return OWNERS.has(last) ? `${last}:x:990:990::/nonexistent:/usr/sbin/nologin\n` : undefined;
      case "id":
        return "0\n";
      case "mkdir":
        return 0;
      case "docker":
        return this.docker.answer(place.root, args, (unit) => place.running.has(unit));
      case "cp": {
        const text = await this.#files.read(at(args.at(-2) ?? ""));
        if (text !== undefined) await this.#files.write(at(last), text);
        else await this.#copy(at((args.at(-2) ?? "").replace(/\/\.$/, "")), at(last.replace(/\/$/, "")));
        return 0;
      }
      case "rm":
        await this.#files.remove(at(last));
        return 0;
      case "mv":
        if (!args.includes("--no-target-directory") || args.includes("--exchange")) return undefined;
        await this.#files.move(at(args.at(-2) ?? ""), at(last));
        return 0;
    }
    if (command === "/usr/local/sbin/cbox-tahoe-copies")
      return last === "count" ? `${this.gridBoxes}\n` : this.#spread(input);
    if (COMMANDS.has(command)) return 0;
    if (isHost) return undefined;
    switch (command) {
      case "cat": {
        const text = await this.#files.read(at(last));
        return text ?? 1;
      }
      case "test":
        return (await this.#isThere(at(last))) ? 0 : 1;
      case "stat":
        return "root\n";
      case "sync":
        return 0;
      case "ss":
        return `${this.#sockets(place).join("\n")}\n`;
      case "journalctl": {
        const project = /^_SYSTEMD_INVOCATION_ID=cbox-compose@(.+)\.service$/.exec(args[0] ?? "")?.[1] ?? "";
        return (this.docker.failingStarts.get(project) ?? []).map((line) => `${line}\n`).join("");
      }
      case "systemctl":
        return this.#systemctl(place, args);
    }
    return undefined;
  }

  #spread(keys: string): string {
    const lines = keys.split("\n").filter(Boolean);
    return lines.map((key) => `${key.startsWith("URI:CHK:") ? this.gridBoxes : "-"} ${key}\n`).join("");
  }

  /** `incus file push --project P [--recursive] FROM INSTANCE/PATH`. */
  async #push(args: readonly string[]): Promise<number> {
    const [from = "", to = ""] = args.slice(-2);
    const name = to.split("/", 1).join("");
    const target = `${this.#context(name).root}${to.slice(name.length)}`;
    if (args.includes("--recursive")) await this.#copy(from, `${target}${from.split("/").at(-1)}`);
    else await this.#files.write(target, (await this.#files.read(from)) ?? "");
    return 0;
  }

  async #copy(from: string, to: string): Promise<void> {
    for (const name of await this.#files.list(from)) {
      const text = await this.#files.read(`${from}/${name}`);
      if (text === undefined) await this.#copy(`${from}/${name}`, `${to}/${name}`);
      else await this.#files.write(`${to}/${name}`, text);
    }
  }

  async #isThere(path: string): Promise<boolean> {
    return (await this.#files.read(path)) !== undefined || (await this.#files.list(path)).length > 0;
  }

  #systemctl({ enabled }: SimulatedPlace, [verb = "", ...rest]: readonly string[]): string | number {
    // Here an invocation id is the unit's name.
    if (verb === "show" && rest.includes("--property=InvocationID")) return `${rest.at(-1)}\n`;
    const units = rest.filter((word) => !word.startsWith("-"));
    if (verb === "is-active" || verb === "is-enabled")
      return units.every((unit) => enabled.has(unit)) ? 0 : 3;
    const project = /^cbox-compose@(.+)\.service$/.exec(units[0] ?? "")?.[1] ?? "";
    if ((verb === "start" || verb === "restart") && this.docker.failingStarts.has(project)) return 1;
    for (const unit of units) {
      if (verb === "enable") enabled.add(unit);
      if (verb === "disable") enabled.delete(unit);
    }
    return 0;
  }

  /** `env A=b dpkg --configure -a`, `env A=b apt-get ... install NAME...`. */
  async #packages(place: SimulatedPlace, args: readonly string[]): Promise<number> {
    const from = args.indexOf("install");
    if (from < 0 || args.includes("--simulate")) return 0;
    const names = args.slice(from + 1);
    if (names.some((name) => this.brokenPackages.has(name))) return 100;
    const path = `${place.root}/var/lib/dpkg/simulated`;
    const before = ((await this.#files.read(path)) ?? "").split("\n").filter(Boolean);
    await this.#files.write(path, `${[...new Set([...before, ...names])].sort().join("\n")}\n`);
    return 0;
  }

  async #query(place: SimulatedPlace, args: readonly string[]): Promise<string | number> {
    const known = new Set(
      ((await this.#files.read(`${place.root}/var/lib/dpkg/simulated`)) ?? "").split("\n"),
    );
    const found = args.slice(3).filter((name) => known.has(name));
    return found.length === args.length - 3 ? found.map(() => "installed\n").join("") : 1;
  }

  /** For a Tahoe introducer's address: its key, or the rest. */
  #sed(args: readonly string[]): string | number {
    if (!args.some((word) => word.includes("pb://"))) return 0;
    return args.some((word) => word.includes("{32}")) ? `${"a".repeat(32)}\n` : "introducer\n";
  }

  async #syncthing(place: SimulatedPlace, args: readonly string[], input: string): Promise<string | number> {
    if (args.includes("--device-id")) return `${DEVICE_ID}\n`;
    if (args.includes("cli")) return 0;
    const home = args.find((word) => word.startsWith("--home="))?.slice("--home=".length) ?? "";
    if (input.trim().length < 8) return 1;
    await this.#files.write(`${place.root}${home}/config.xml`, "<configuration/>\n");
    return 0;
  }
}
