// SPDX-License-Identifier: GPL-3.0-or-later
// The simulated Docker of the dry run and of tests: reads compose files, remembers its images, and reports containers
// as running while their unit runs.

import { parse } from "yaml";
import type { SimulatedFiles } from "./files.ts";

interface Project {
  readonly version?: string;
  readonly services?: {
    readonly [name: string]: {
      readonly image?: string;
      readonly ports?: readonly unknown[];
      readonly network_mode?: string;
    };
  };
  readonly networks?: { readonly [name: string]: { readonly name?: string } };
}

interface PublishedPort {
  /** As in Docker's output: absent if none was given. */
  readonly host_ip?: string;
  readonly published: string;
  readonly target: number;
  readonly protocol: string;
}

const FILES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

export class SimulatedDocker {
  /** For tests: no registry is reachable. */
  isOffline = false;
  /** For tests: containers that keep crashing, "project/service". */
  readonly crashing = new Set<string>();
  readonly images = new Set<string>();
  /** For tests, by project: Docker's messages when its containers cannot start. */
  readonly failingStarts = new Map<string, readonly string[]>();
  /** For tests, by project: ports of its services with network_mode: host. */
  readonly listeners = new Map<string, readonly PublishedPort[]>();

  readonly #files: SimulatedFiles;
  #words: string[] = [];
  /** By unit: its sockets while it runs, in the form of `ss -Hlntu`. */
  readonly #sockets = new Map<string, readonly string[]>();

  constructor(files: SimulatedFiles) {
    this.#files = files;
  }

  /** The last command's standard error. */
  takeWords(): string {
    const words = this.#words.map((line) => `${line}\n`).join("");
    this.#words = [];
    return words;
  }

  sockets(unit: string): readonly string[] {
    return this.#sockets.get(unit) ?? [];
  }

  /** `root`: prefix of every path; `isUp`: whether a unit runs. */
  async answer(
    root: string,
    args: readonly string[],
    isUp: (unit: string) => boolean,
  ): Promise<string | number> {
    const [command, ...words] = args;
    if (command === "image") return words.slice(1).every((name) => this.images.has(name)) ? 0 : 1;
    if (command !== "compose") return 0;
    const [, id = "", , directory = "", verb = "", ...rest] = words;
    const project = await this.#read(`${root}${directory}`);
    if (!project) return 14;
    const services = Object.entries(project.services ?? {});
    const images = services.flatMap(([, { image }]) => image ?? []);
    const unit = `cbox-compose@${id}.service`;
    switch (verb) {
      case "config": {
        const hasHost = Object.values(project.networks ?? {}).some(({ name }) => name === "host");
        if (rest[0] === "--images") {
          const published = services.flatMap(([, { ports = [], network_mode: mode }]) =>
            mode === "host" || hasHost ? (this.listeners.get(id) ?? []) : ports.flatMap(portsOf),
          );
          this.#sockets.set(unit, published.map(socketOf));
          return images.map((image) => `${image}\n`).join("");
        }
        if (project.version !== undefined)
          this.#words.push("compose.yaml: the attribute `version` is obsolete, it will be ignored");
        const named = services.map(([name, { ports = [], ...more }]) => [
          name,
          { ...more, ports: ports.flatMap(portsOf) },
        ]);
        const { networks } = project;
        return JSON.stringify({ name: id, services: Object.fromEntries(named), networks });
      }
      case "pull":
        if (this.isOffline) return 18;
        for (const image of images) this.images.add(image);
        return 0;
      case "ps":
        return services
          .map(([name]) => {
            if (!isUp(unit)) return `${name} exited  137\n`;
            return `${name} ${this.crashing.has(`${id}/${name}`) ? "restarting" : "running"}  0\n`;
          })
          .join("");
      default:
        return 0;
    }
  }

  /** Replaces its variables, as docker compose does. */
  #filledIn(value: unknown, values: ReadonlyMap<string, string>): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#filledIn(each, values));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, this.#filledIn(each, values)]),
      );
    if (typeof value !== "string") return value;
    return value.replaceAll(
      /\$\$|\$\{(\w+)(?::?-([^}]*))?\}|\$([A-Za-z_]\w*)/g,
      (_all, braced, fallback, bare) => {
        const name = braced ?? bare;
        if (name === undefined) return "$";
        const known = values.get(name) ?? fallback;
        if (known === undefined)
          this.#words.push(
            `time="" level=warning msg="The \\"${name}\\" variable is not set. Defaulting to a blank string."`,
          );
        return known ?? "";
      },
    );
  }

  async #read(directory: string): Promise<Project | undefined> {
    for (const name of FILES) {
      const text = await this.#files.read(`${directory}/${name}`);
      if (text === undefined) continue;
      try {
        const environment = (await this.#files.read(`${directory}/.env`)) ?? "";
        const values = new Map(
          [...environment.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]),
        );
        const project = this.#filledIn(parse(text), values) as Project | null;
        return project?.services ? project : undefined;
      } catch {
        return undefined;
      }
    }
    return undefined;
  }
}

/** "127.0.0.1:8080:80/udp", "[::1]:8080:80", "7000-7009:7000-7009", or an object with the same. */
function portsOf(port: unknown): PublishedPort[] {
  if (typeof port === "object") {
    const { published = "", protocol = "tcp", ...more } = port as PublishedPort;
    return [{ ...more, published: String(published), protocol }];
  }
  const [, before = "", first, last, to, end = ""] =
    /^(.*?)(\d+)-(\d+):(\d+)-\d+(\/\w+)?$/.exec(String(port)) ?? [];
  if (first !== undefined) {
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) =>
      portOf(`${before}${Number(first) + index}:${Number(to) + index}${end}`),
    );
  }
  return [portOf(port)];
}

function portOf(port: unknown): PublishedPort {
  const [numbers = "", protocol = "tcp"] = String(port).split("/");
  const [, six, four, published = "", target = ""] =
    /^(?:\[(.+)\]:|(\d+\.[\d.]+):)?(?:(\d+):)?(\d+)$/.exec(numbers) ?? [];
  const address = six ?? four;
  return { ...(address ? { host_ip: address } : {}), published, target: Number(target), protocol };
}

function socketOf({ host_ip: address = "0.0.0.0", published, protocol }: PublishedPort): string {
  const state = protocol === "udp" ? "UNCONN" : "LISTEN";
  const local = address.includes(":") ? `[${address}]` : address;
  return `${protocol} ${state} 0 4096 ${local}:${published} 0.0.0.0:*`;
}
