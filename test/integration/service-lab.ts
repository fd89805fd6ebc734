// SPDX-License-Identifier: GPL-3.0-or-later
// Services of the catalogue on a box that is a root file system in a lab: switched on by the engine, run as their units
// say, asked by clients on other hosts.
import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { ImageInfo } from "../../firstboot/image-info.ts";
import { findService } from "../../firstboot/services/catalogue.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate, deactivate, portsOf } from "../../firstboot/services/engine.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { Lab } from "../lab/lab.ts";
import { putRequestProgram, requestThrough } from "../lab/step-box.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { serviceRoot } from "./service-root.ts";
import { requiredBy, startUnit } from "./units.ts";

export const community = loadCommunity("guifi");
export const image = {
  version: "test",
  profile: { id: "vm-amd64", title: "test", architecture: "amd64", release: "trixie" },
  boot_mount: "/boot/efi",
  community,
} as unknown as ImageInfo;

export interface ServiceBox {
  readonly box: ChrootBox;
  /** As `cbox services enable` does it; then its units run, of which systemctl was only told. Waits for its ports. */
  switchOn(id: string, inputs?: object): Promise<void>;
  switchOff(id: string): Promise<void>;
  /** Starts a unit that runs anew, with what its files say now. */
  restart(unit: string): Promise<void>;
  /** Memory of a program that runs at the box, what it shares with others included. */
  residentKib(program: string): number;
  /** The same root file system on another host of the lab, for a program that only the box's packages have. */
  at(host: string): ChrootBox;
  /** Ends everything and removes the root file system. */
  off(): Promise<void>;
}

/** `cbox`: what stands for the program of the box. The lab's host is one without a server of its own. */
export async function serviceBox(
  lab: Lab,
  host: string,
  cbox: (box: ChrootBox) => Promise<unknown> = async () => {},
): Promise<ServiceBox> {
  const root = await serviceRoot(`service-lab-${lab.name}-${host}`);
  await putRequestProgram(lab.place(host).directory);
  const named =
    'echo nameserver 10.139.40.1 >/tmp/r && busybox mount -o bind /tmp/r /etc/resolv.conf && exec "$@"';
  const request = requestThrough((...command) => lab.run(host, ["sh", "-euc", named, "box", ...command]));
  const programs = { cbox: () => cbox(box) };
  const box: ChrootBox = { ...chrootBox(root, lab.place(host).namespace, programs), request };
  await box.writeFile("/etc/hostname", "can-bruixa\n");
  await box.writeFile("/etc/community-box/ca.pem", lab.authority());
  const running = new Map<string, ChildProcess>();

  async function start(unit: string): Promise<void> {
    if (!running.has(unit)) running.set(unit, await startUnit(box, unit));
  }

  async function end(unit: string): Promise<void> {
    const child = running.get(unit);
    running.delete(unit);
    if (!child || child.exitCode !== null) return;
    const ended = once(child, "exit");
    // As systemd ends it: all that belongs to the unit, but not what holds its namespaces here.
    for (const pid of programsOf(child.pid ?? 0)) process.kill(pid, "SIGTERM");
    await Promise.race([ended, delay(20_000)]);
    child.kill("SIGKILL");
    await ended;
  }

  return {
    box,
    async switchOn(id, inputs = {}) {
      const service = findService(id)!;
      await activate({ box, image }, service, {
        where: "host",
        inputs: { ...defaultInputs(service), ...inputs },
      });
      for (const unit of service.units.filter((each) => each.endsWith(".service"))) {
        for (const each of [...(await requiredBy(box, unit)), unit]) await start(each);
      }
      const { inputs: chosen } = (await readStates(box))[id]!;
      const wanted = portsOf(service, { community: image.community, inputs: chosen }).map(
        ({ port, protocol }) => `${protocol}/${port}`,
      );
      const open = await until(
        () => listening(box),
        (there) => wanted.every((port) => there.has(port)),
      );
      expect([...open], `${id} listens`).toEqual(expect.arrayContaining(wanted));
    },
    async switchOff(id) {
      const { units } = findService(id)!;
      await deactivate({ box, image }, findService(id)!);
      for (const unit of units.slice().reverse()) {
        expect(box.told).toContain(`disable --now ${unit}`);
        await end(unit);
      }
    },
    async restart(unit) {
      await end(unit);
      await start(unit);
    },
    residentKib(program) {
      const pids = execFileSync("ip", ["netns", "pids", lab.place(host).namespace], { encoding: "utf8" });
      return pids
        .split("\n")
        .filter(Boolean)
        .map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"))
        .filter((status) => status.startsWith(`Name:\t${program}\n`))
        .reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0), 0);
    },
    at: (other) => chrootBox(root, lab.place(other).namespace),
    async off() {
      for (const unit of [...running.keys()].reverse()) await end(unit);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const HOLDERS = new Set(["ip", "unshare", "sh"]);

function programsOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
  const isHolder = HOLDERS.has(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  return [...(isHolder ? [] : [pid]), ...children.flatMap(programsOf)];
}

async function listening(box: ChrootBox): Promise<ReadonlySet<string>> {
  const { stdout } = await box.run("ss", ["-Hlntu"]);
  const lines = stdout.split("\n").filter(Boolean);
  return new Set(lines.map((line) => `${line.split(/\s+/)[0]}/${/:(\d+)\s/.exec(line)?.[1]}`));
}

/** Looks four times a second until it is so; returns what was seen last. */
export async function until<T>(
  look: () => Promise<T>,
  isIt: (value: T) => boolean,
  seconds = 60,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await look();
    if (isIt(value) || tries >= seconds * 4) return value;
    await delay(250);
  }
}
