// SPDX-License-Identifier: GPL-3.0-or-later
// Where a service runs: the host, or the container of a context. Both have the same operations, so that the engine
// does not distinguish them; in a context each one is an `incus` command. Incus publishes a context's ports;
// forward.ts forwards connections from other machines.

import { isIPv6 } from "node:net";
import type { PlaceId } from "../../common/service.ts";
import { instancesOf, parseMib } from "../contexts/incus.ts";
import type { ContextId } from "../contexts/names.ts";
import { type Box, type RunOptions, type RunResult, runOrFail } from "../host/box.ts";
import { listeningPorts } from "../host/network-facts.ts";
import { numbersOf, type PortRange } from "./ports.ts";

export interface FileRights {
  /** Octal, such as "0640". */
  readonly mode: string;
  /** User and group by name, such as "root:proxy". */
  readonly owner: string;
}

export interface Port extends PortRange {
  /** Reachable from the network, or only on the box's loopback address. */
  readonly public: boolean;
  /** Address in its place where it listens, if not 127.0.0.1. */
  readonly inside?: string;
  /** Not reachable from outside its place, not even from the box. */
  readonly closed?: boolean;
}

export interface Place {
  readonly id: PlaceId;
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  readFile(path: string): Promise<string | undefined>;
  /** Atomic; creates the directory. Returns whether anything changed. */
  writeFile(path: string, content: string, rights: FileRights): Promise<boolean>;
  exists(path: string): Promise<boolean>;
  remove(path: string): Promise<void>;
  /** Free space of its root file system, if known. */
  freeMib(): Promise<number | undefined>;
  /** "tcp/22000" for every listening port in this place, including loopback. */
  listening(): Promise<ReadonlySet<string>>;
  /** Publishes a port of the place on the box, or stops that. On the host there is nothing to do. */
  open(port: Port): Promise<void>;
  close(port: Port): Promise<void>;
}

/** Prefix of the names of the box's devices in Incus. */
export const DEVICE = "cbox-";

export function placeOf(box: Box, id: PlaceId): Place {
  return id === "host" ? host(box) : context(box, id);
}

function host(box: Box): Place {
  return {
    id: "host",
    run: (command, args, options) => box.run(command, args, options),
    readFile: (path) => box.readFile(path),
    async writeFile(path, content, { mode, owner }) {
      if ((await box.readFile(path)) === content) return false;
      await box.writeFile(path, content, { mode: Number.parseInt(mode, 8), ...(await ownerOf(box, owner)) });
      return true;
    },
    exists: (path) => box.exists(path),
    remove: (path) => box.remove(path),
    freeMib: async () => freeOf((await box.run("df", FREE)).stdout),
    async listening() {
      const { stdout } = await box.run("ss", ["-Hlntu"]);
      return portsOfSs(stdout);
    },
    open: async () => {},
    close: async () => {},
  };
}

async function ownerOf(box: Box, owner: string) {
  if (owner === "root:root") return {};
  const [user = "", group = ""] = owner.split(":");
  const number = async (database: string, name: string) =>
    Number((await runOrFail(box, "getent", [database, name])).split(":")[2]);
  return { owner: { uid: await number("passwd", user), gid: await number("group", group) } };
}

/** A context's project and instance have the context's own name. */
function context(box: Box, id: ContextId): Place {
  const run: Place["run"] = (command, args, options) =>
    box.run("incus", ["exec", id, "--project", id, "--", command, ...args], options);
  const need = async (command: string, args: readonly string[], options?: RunOptions) =>
    runOrFail({ run }, command, args, options);
  const readFile = async (path: string) => {
    const { code, stdout } = await run("cat", ["--", path]);
    return code === 0 ? stdout : undefined;
  };
  /**
   * In a directory that another account of the context can write to, changes are made as that account: then a link
   * placed there cannot give access to anything more.
   */
  const change = async (path: string): Promise<typeof need> => {
    const folders = path.split("/").slice(0, -1);
    const above = folders.map((_, index) => folders.slice(0, index + 1).join("/") || "/");
    // In order, up to the first missing one.
    const { stdout } = await run("stat", ["--dereference", "--format=%U", "--", ...above]);
    const account = stdout.split("\n").find((name) => name !== "" && name !== "root");
    if (account === undefined) return need;
    return (command, args, options) => need("runuser", ["-u", account, "--", command, ...args], options);
  };
  const device = (port: Port) => `${DEVICE}${port.protocol}-${numbersOf(port)}`;
  const devices = ["config", "device"] as const;
  return {
    id,
    run,
    readFile,
    async writeFile(path, content, { mode, owner }) {
      if ((await readFile(path)) === content) return false;
      const [user = "root", group = "root"] = owner.split(":");
      const rights = ["--mode", mode, "--owner", user, "--group", group];
      const act = await change(path);
      await act("install", ["-D", ...rights, "--no-target-directory", "/dev/null", `${path}.new`]);
      // Not /dev/stdin: it is a pipe of the box's root, which a program inside cannot open by name.
      await act("tee", ["--", `${path}.new`], { input: content });
      await act("sync", [`${path}.new`]);
      await act("mv", ["--no-target-directory", `${path}.new`, path]);
      return true;
    },
    exists: async (path) => (await run("test", ["-e", path])).code === 0,
    async remove(path) {
      await (await change(path))("rm", ["-rf", "--", path]);
    },
    async freeMib() {
      // All contexts may share its file system; the limit of this one comes from Incus.
      const own = (await instancesOf(box, id)).find(({ name }) => name === id);
      const limit = parseMib(own?.expanded_devices.root?.size);
      const used = own?.state?.disk?.root?.usage;
      const shared = freeOf((await run("df", FREE)).stdout);
      if (limit === undefined || used === undefined) return shared;
      const left = Math.max(0, limit - Math.ceil(used / MIB));
      return shared === undefined ? left : Math.min(shared, left);
    },
    async listening() {
      return portsOfSs((await run("ss", ["-Hlntu"])).stdout);
    },
    async open(port) {
      const from = `${port.protocol}:${port.public ? "0.0.0.0" : "127.0.0.1"}:${numbersOf(port)}`;
      if (await isDevice(port)) {
        const get = ["get", id, device(port), "listen", "--project", id];
        if ((await runOrFail(box, "incus", [...devices, ...get])).trim() === from) return;
        await this.close(port);
      }
      const { inside = "127.0.0.1" } = port;
      const to = `${port.protocol}:${isIPv6(inside) ? `[${inside}]` : inside}:${numbersOf(port)}`;
      const settings = ["proxy", `listen=${from}`, `connect=${to}`, "bind=host"];
      await runOrFail(box, "incus", [...devices, "add", id, device(port), ...settings, "--project", id]);
    },
    async close(port) {
      if (await isDevice(port))
        await runOrFail(box, "incus", [...devices, "remove", id, device(port), "--project", id]);
    },
  };

  async function isDevice(port: Port): Promise<boolean> {
    const { code, stdout } = await box.run("incus", [...devices, "list", id, "--project", id]);
    return code === 0 && stdout.split("\n").includes(device(port));
  }
}

const MIB = 1024 * 1024;
const FREE = ["--block-size=1M", "--output=avail", "/"];

/** Output of `df`: a heading and a number. */
function freeOf(output: string): number | undefined {
  const [, number] = /(\d+)\s*$/.exec(output) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** All sockets in the output of `ss -Hlntu`, as "tcp/22". */
export function portsOfSs(output: string): Set<string> {
  const found = new Set<string>();
  for (const line of output.split("\n")) {
    const columns = line.trim().split(/\s+/);
    const local = columns.find((column) => /:\d+$/.test(column));
    const port = local?.split(":").at(-1);
    if (port) found.add(`${columns[0] === "udp" ? "udp" : "tcp"}/${port}`);
  }
  return found;
}

/** Can other machines reach the port? For a context, Incus listens on it. */
export async function isReachable(box: Box, { port, protocol }: Port): Promise<boolean> {
  const { stdout } = await box.run("ss", [`-Hln${protocol[0]}`]);
  return listeningPorts(stdout).has(port);
}
