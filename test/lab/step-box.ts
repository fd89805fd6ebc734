// SPDX-License-Identifier: GPL-3.0-or-later
// A box for the code of the steps, without a guest: its files below a directory of a lab's host, its commands,
// requests and tincd in that host's namespace. The lab's host has to be without a server of its own.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../common/fail.ts";
import type { Box, HttpRequest } from "../../firstboot/host/box.ts";
import { linuxBox } from "../../firstboot/host/linux.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { end, type HostProcess, isAlive } from "../../image/host/process.ts";
import type { Lab } from "./lab.ts";
import { bundleProgram } from "./program.ts";
import type { Exchanged } from "./programs/request.ts";
import { startServer } from "./server.ts";

export interface StepBox {
  readonly box: Box;
  /** Its root directory as this process sees it. */
  readonly root: string;
  /** Command lines so far. */
  readonly commands: readonly string[];
  /** Units that are enabled. */
  readonly enabled: ReadonlySet<string>;
  /** Runs a command where the box's commands run. */
  run(...command: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Ends what the box started. */
  off(): Promise<void>;
}

// What of the box's files the programs look at by name.
const ENTER = `
mkdir -p /srv/box/etc/tinc
busybox mount -o bind /srv/box/etc/tinc /etc/tinc
echo nameserver 10.139.40.1 > /tmp/resolv.conf
touch /tmp/resolv.conf && busybox mount -o bind /tmp/resolv.conf /etc/resolv.conf
exec "$@"
`;
const inBox = (...command: string[]) => ["sh", "-euc", ENTER, "box", ...command];

export async function stepBox(lab: Lab, host: string, mac: string, hostname: string): Promise<StepBox> {
  const place = lab.place(host);
  const root = join(place.directory, "box");
  const files: Record<string, string> = {
    "etc/hostname": `${hostname}\n`,
    [paths.authorities.slice(1)]: lab.authority(),
    "sys/class/net/eth0/type": "1\n",
    "sys/class/net/eth0/address": `${mac}\n`,
    "sys/class/net/eth0/carrier": "1\n",
    "sys/class/net/eth0/device/vendor": "0x1af4\n",
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  await putRequestProgram(place.directory);

  const commands: string[] = [];
  const enabled = new Set<string>();
  const running = new Map<string, HostProcess>();
  const run = (...command: string[]) => lab.run(host, inBox(...command));

  async function stop(unit: string): Promise<void> {
    const process = running.get(unit);
    if (process) await end(process);
    running.delete(unit);
  }

  async function start(unit: string): Promise<void> {
    const [, network] = /^tinc@(\w+)\.service$/.exec(unit) ?? [];
    if (!network) return;
    const command = inBox("tincd", "-n", network, "--no-detach", "--debug=1");
    await startServer(place, { command, ready: /Ready/ }, async (process) => {
      running.set(unit, process);
    });
  }

  async function systemctl([verb = "", ...rest]: readonly string[]): Promise<number> {
    for (const unit of rest.filter((word) => !word.startsWith("-"))) {
      if (verb === "enable") enabled.add(unit);
      if (verb === "is-enabled" && !enabled.has(unit)) return 1;
      if (verb === "disable") enabled.delete(unit);
      const isRunning = () => {
        const process = running.get(unit);
        return process !== undefined && isAlive(process);
      };
      if (verb === "try-reload-or-restart" && isRunning()) signalTinc(lab, host, "SIGHUP");
      const isAnew = verb === "restart" || (verb === "try-restart" && isRunning());
      if (verb === "disable" || isAnew) await stop(unit);
      const isActive = isRunning();
      if (isAnew || (verb === "start" && !isActive)) await start(unit);
      // Of the others only tinc is really there.
      if (verb === "is-active" && unit.startsWith("tinc@") && !isActive) return 3;
    }
    return 0;
  }

  return {
    root,
    commands,
    enabled,
    run,
    box: {
      ...linuxBox({ root }),
      request: requestThrough(run),
      async run(command, args) {
        commands.push([command, ...args].join(" "));
        if (command !== "systemctl") return run(command, ...args);
        return { code: await systemctl(args), stdout: "", stderr: "" };
      },
    },
    async off() {
      for (const unit of running.keys()) await stop(unit);
    },
  };
}

/** To the one tincd on a host of the lab. */
export function signalTinc(lab: Lab, host: string, signal: NodeJS.Signals): void {
  const pids = execFileSync("ip", ["netns", "pids", lab.place(host).namespace], { encoding: "utf8" });
  const isTinc = (pid: string) => readFileSync(`/proc/${pid}/comm`, "utf8") === "tincd\n";
  const [tincd, ...others] = pids.trim().split("\n").filter(isTinc);
  if (!tincd || others.length > 0) throw new Error(`one tincd on ${host}: ${[tincd, ...others].join(", ")}`);
  process.kill(Number(tincd), signal);
}

/** Before {@link requestThrough}: puts the program into the directory of the lab's host. */
export async function putRequestProgram(directory: string): Promise<void> {
  writeFileSync(join(directory, "request.mjs"), await bundleProgram("test/lab/programs/request.ts"));
}

/** A box's requests, made where `run` runs commands. */
export function requestThrough(run: StepBox["run"]): Box["request"] {
  return async ({ body, ...wanted }: HttpRequest) => {
    const asked = {
      ...wanted,
      ...(body === undefined ? {} : { body: Buffer.from(body).toString("base64") }),
    };
    const { stdout, stderr } = await run("node", "/srv/request.mjs", JSON.stringify(asked));
    if (!stdout) throw new Error(stderr);
    const answer = JSON.parse(stdout) as Exchanged;
    if ("failure" in answer) throw Failure.again(answer.failure);
    return { status: answer.status, body: Buffer.from(answer.body, "base64") };
  };
}
