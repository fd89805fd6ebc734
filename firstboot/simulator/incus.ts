// SPDX-License-Identifier: GPL-3.0-or-later
// A simulated Incus and disk: enough of projects, networks, profiles and instances to read back what was set, and to
// reject what exceeds a limit as the real one does.

import { parse } from "yaml";
import { paths } from "../host/paths.ts";

type Config = Record<string, string>;
type Devices = Record<string, Config>;

interface Entity {
  config?: Config;
  devices?: Devices;
  [other: string]: unknown;
}

interface SimulatedInstance {
  config: Config;
  devices: Devices;
  status: string;
}

interface Preseed {
  readonly storage_pools?: readonly (Entity & { name: string })[];
  readonly networks?: readonly (Entity & { name: string })[];
  readonly projects?: readonly (Entity & { name: string })[];
  readonly profiles?: readonly (Entity & { project: string })[];
}

const GIB = 1024 ** 3;

export class SimulatedContexts {
  /** Bytes of the disk; it has an image of 1 GiB, with a root partition of 4. */
  diskSize = 16 * GIB;
  hasData = false;
  /** Type and label of the file system on the data partition, as blkid prints them. */
  dataFileSystem = "";
  readonly pools = new Map<string, Entity>();
  readonly networks = new Map<string, Entity>();
  readonly acls = new Map<string, Entity>();
  readonly projects = new Map<string, Entity>();
  /** By project: its only profile, "default". */
  readonly profiles = new Map<string, Entity>();
  readonly instances = new Map<string, SimulatedInstance>();
  /** By project: its container's address by DHCP; none unless a test sets it. */
  readonly addresses = new Map<string, string>();
  /** By project: the devices that publish ports. Provided by the simulated services. */
  proxies: (project: string) => Devices = () => ({});
  /** The firewall driver of Incus. */
  #firewall = "nftables";
  /** Output of "walls --list". */
  walls = "forward default\n";
  /** Output of `nft --json list ruleset`. */
  ruleset: object = { nftables: [] };
  /** Names of images. */
  readonly images = new Set<string>();

  filterBy(firewall: "nftables" | "xtables"): void {
    this.#firewall = firewall;
  }

  shrinkDisk(gib: number): void {
    this.diskSize = gib * GIB;
  }

  /** Output, an exit code, or undefined for a command that is not handled here. */
  answer(command: string, args: readonly string[], input: string): string | number | undefined {
    switch (command) {
      case "lsblk":
        return this.#lsblk();
      case "df":
        if (args.includes("--output=target,used,size")) return this.#poolUse(args.at(-1) ?? "");
        return `Avail\n${Math.floor((this.diskSize - 4.5 * GIB) / 1024 ** 2)}\n`;
      case "systemd-repart":
        this.hasData = true;
        return 0;
      case "blkid":
        return this.dataFileSystem || 2;
      case "mke2fs":
        this.dataFileSystem = "TYPE=ext4\nLABEL=CBOX-DATA\n";
        return 0;
      case "wipefs":
        this.dataFileSystem = "";
        return 0;
      case "stat":
      case "truncate":
        return args.at(-1)?.startsWith("/var/lib/incus/disks/") ? this.#poolFile(command, args) : undefined;
      case "losetup":
        return args.includes("--output=NAME") ? "/dev/loop0\n" : 0;
      case "btrfs":
      case "chmod":
        return 0;
      case "nft":
        return args.includes("list") ? JSON.stringify(this.ruleset) : 0;
      case paths.wallsProgram:
        return args.includes("--list") ? this.walls : 0;
      case "incus":
        return this.#incus(args, input);
      default:
        return undefined;
    }
  }

  #poolUse(place: string): string {
    const pool = this.pools.get(place.split("/").at(-1) ?? "");
    const size = Number.parseInt(pool?.config?.size ?? "0", 10);
    return `Mounted on  Used  1M-blocks\n${pool ? `${place} 150 ${size}` : `/ 1500 ${size}`}\n`;
  }

  #lsblk(): string {
    const part = (path: string, from: number, size: number, more: object) => ({
      path,
      type: "part",
      start: from / 512,
      size,
      partlabel: null,
      mountpoints: [null],
      ...more,
    });
    const root = part("/dev/vda3", GIB / 2, 4 * GIB, { mountpoints: ["/"] });
    const rest = { partlabel: "CBOX-DATA", partuuid: "0d1c2b3a-0000-4000-8000-000000000004" };
    const data = part("/dev/vda4", 4.5 * GIB, this.diskSize - 4.5 * GIB - 1024 ** 2, rest);
    const children = this.hasData ? [root, data] : [root];
    const disk = {
      path: "/dev/vda",
      type: "disk",
      size: this.diskSize,
      start: null,
      mountpoints: [null],
      children,
    };
    return JSON.stringify({ blockdevices: [disk] });
  }

  #incus([verb = "", ...rest]: readonly string[], input: string): string | number | undefined {
    const project = rest[rest.indexOf("--project") + 1] ?? "";
    const own = () => this.instances.get(`${project}/${rest.find((word) => !word.startsWith("-"))}`);
    switch (verb) {
      case "query":
        return this.#query(rest);
      case "admin":
        return rest[0] === "init" ? this.#preseed(parse(input) as Preseed) : 0;
      case "image":
        return this.#image(rest);
      case "start": {
        const instance = own();
        if (instance) instance.status = "Running";
        return instance ? 0 : 1;
      }
      case "delete": {
        const name = rest.find((word) => !word.startsWith("-")) ?? "";
        return this.instances.delete(`${project}/${name}`) ? 0 : 1;
      }
      case "exec":
        // Other commands inside are simulated by the services.
        if (rest.at(-1) !== "/etc/hostname") return undefined;
        return own()?.status === "Running" ? `${rest[0]}\n` : 1;
      case "storage":
        return rest[0] === "delete" && this.pools.delete(rest[1] ?? "") ? 0 : 1;
      case "project":
        return this.projects.delete(rest.at(-1) ?? "") ? 0 : 1;
      case "network": {
        const name = rest.at(-1) ?? "";
        return (rest[0] === "acl" ? this.acls : this.networks).delete(name) ? 0 : 1;
      }
      default:
        return undefined;
    }
  }

  /** Size of a pool's file; the simulated file system in it has the same size. */
  #poolFile(command: "stat" | "truncate", args: readonly string[]): string | number {
    const name = /\/([\w-]+)\.img$/.exec(args.at(-1) ?? "")?.[1] ?? "";
    const pool = this.pools.get(name);
    if (!pool) return 1;
    if (command === "stat") return `${Number.parseInt(pool.config?.size ?? "0", 10) * 1024 ** 2}\n`;
    const mib = /=(\d+)M$/.exec(args[0] ?? "")?.[1] ?? "0";
    this.pools.set(name, { ...pool, config: { ...pool.config, size: `${mib}MiB` } });
    return 0;
  }

  #image(words: readonly string[]): number {
    const name = words.at(-1) ?? "";
    if (words[0] === "delete") return this.images.delete(name) ? 0 : 1;
    if (words[0] === "alias" && !this.images.delete(words[2] ?? "")) return 1;
    if (this.images.has(name)) return 1;
    this.images.add(name);
    return 0;
  }

  #preseed({ storage_pools = [], networks = [], projects = [], profiles = [] }: Preseed): number {
    for (const pool of storage_pools) this.pools.set(pool.name, { ...pool, status: "Created" });
    for (const network of networks) {
      if (!this.acls.has(network.config?.["security.acls"] ?? "")) return 1;
      this.networks.set(network.name, network);
    }
    for (const project of projects) {
      this.projects.set(project.name, project);
      if (this.#isExceeded(project.name)) return 1;
    }
    for (const profile of profiles) this.profiles.set(profile.project, profile);
    return 0;
  }

  #query(args: readonly string[]): string | number {
    const method = args.includes("--request") ? args[args.indexOf("--request") + 1] : "GET";
    const data = args.includes("--data") ? args[args.indexOf("--data") + 1] : undefined;
    const url = new URL(args.at(-1) ?? "", "http://incus");
    const [, , kind = "", name = "", last = ""] = url.pathname.split("/");
    const project = url.searchParams.get("project") ?? "default";
    const body = JSON.parse(data ?? "{}") as Entity & { name?: string };
    const shown = (entity: unknown) => (entity === undefined ? 1 : JSON.stringify(entity));
    if (url.pathname === "/1.0") return JSON.stringify({ environment: { firewall: this.#firewall } });
    if (kind === "profiles") {
      const known = this.profiles.get(project);
      if (method === "GET") return shown(known);
      if (known) known.devices = { ...known.devices, ...body.devices };
      return known ? 0 : 1;
    }
    if (kind === "instances") return this.#instance(method, project, name, body);
    const tables: Record<string, Map<string, Entity>> = {
      "storage-pools": this.pools,
      networks: this.networks,
      projects: this.projects,
      "network-acls": this.acls,
    };
    if (kind === "images") return this.images.has(last) ? "{}" : 1;
    const table = tables[kind];
    if (!table) return 1;
    if (method === "GET") return shown(table.get(name));
    table.set(name || (body.name ?? ""), body);
    return 0;
  }

  #instance(
    method: string | undefined,
    project: string,
    name: string,
    body: Entity & { name?: string },
  ): string | number {
    const key = `${project}/${name || body.name}`;
    if (method === "GET") {
      if (!name)
        return JSON.stringify(this.#all(project).map(([each, one]) => this.#shown(project, each, one)));
      const known = this.instances.get(key);
      return known ? JSON.stringify(this.#shown(project, name, known)) : 1;
    }
    const before = this.instances.get(key);
    if (method === "POST") {
      const { alias = "" } = (body as { source?: { alias?: string } }).source ?? {};
      if (before || !this.images.has(alias)) return 1;
      this.instances.set(key, { config: body.config ?? {}, devices: body.devices ?? {}, status: "Stopped" });
    } else if (before) {
      const config = { ...before.config, ...body.config };
      const devices = Object.entries({ ...before.devices, ...body.devices }).filter(
        ([, { type }]) => type !== "proxy",
      );
      this.instances.set(key, { ...before, config, devices: Object.fromEntries(devices) });
    } else return 1;
    if (!this.#isExceeded(project)) return 0;
    if (before) this.instances.set(key, before);
    else this.instances.delete(key);
    return 1;
  }

  #all(project: string): [string, SimulatedInstance][] {
    return [...this.instances]
      .filter(([key]) => key.startsWith(`${project}/`))
      .map(([key, instance]) => [key.slice(project.length + 1), instance]);
  }

  #shown(project: string, name: string, { config, devices: own, status }: SimulatedInstance) {
    const profile = this.profiles.get(project);
    const devices = name === project ? { ...own, ...this.proxies(project) } : own;
    const address = name === project ? this.addresses.get(project) : undefined;
    const eth0 = { addresses: [{ family: "inet", address, scope: "global" }] };
    const expanded = {
      expanded_config: { ...profile?.config, ...config },
      expanded_devices: { ...profile?.devices, ...devices },
    };
    const state = address === undefined ? null : { network: { eth0 } };
    return { name, status, type: "container", config, devices, ...expanded, state };
  }

  #isExceeded(project: string): boolean {
    const limits = this.projects.get(project)?.config ?? {};
    const shown = this.#all(project).map(([name, instance]) => this.#shown(project, name, instance));
    const sum = (read: (each: (typeof shown)[number]) => string | undefined) =>
      shown.reduce((total, each) => total + Number.parseInt(read(each) ?? "0", 10), 0);
    return (
      sum((each) => each.expanded_config["limits.memory"]) >
        Number.parseInt(limits["limits.memory"] ?? "0", 10) ||
      sum((each) => each.expanded_devices.root?.size) > Number.parseInt(limits["limits.disk"] ?? "0", 10) ||
      sum((each) => each.expanded_config["limits.processes"]) > Number(limits["limits.processes"] ?? 0) ||
      shown.length > Number(limits["limits.instances"] ?? 0)
    );
  }
}
