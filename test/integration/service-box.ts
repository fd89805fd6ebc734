// SPDX-License-Identifier: GPL-3.0-or-later
// One box on a host of any lab, for services with units that depend on each other or are restarted: switched on by the
// engine, run as their units say. A lab of boxes that is made for the purpose: service-lab.ts.
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { expect } from "vitest";
import { findService } from "../../firstboot/services/catalogue.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate, deactivate, portsOf } from "../../firstboot/services/engine.ts";
import { portsOfSs } from "../../firstboot/services/place.ts";
import { readStates } from "../../firstboot/services/state.ts";
import type { Lab } from "../lab/lab.ts";
import { putRequestProgram, requestThrough } from "../lab/step-box.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { image, until } from "./service-lab.ts";
import { serviceRoot } from "./service-root.ts";
import { endProcess, requiredBy, startUnit } from "./units.ts";

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
    if (child) await endProcess(child);
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
        async () => portsOfSs((await box.run("ss", ["-Hlntu"])).stdout),
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
