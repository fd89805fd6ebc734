// SPDX-License-Identifier: GPL-3.0-or-later
// A small community whose boxes switch services on as `cbox services enable` does, from the packages of the image, and
// run their units; its other hosts use them.
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { $ } from "zx";
import type { Value } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import { findService } from "../../firstboot/catalogue/catalogue.ts";
import { refreshDomains } from "../../firstboot/dns/refresh.ts";
import { refreshGraphs } from "../../firstboot/graphs/refresh.ts";
import type { Box } from "../../firstboot/host/box.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import { defaultInputs } from "../../firstboot/services/data.ts";
import { activate, deactivate, portsOf } from "../../firstboot/services/engine.ts";
import { installPackages, preparePackages } from "../../firstboot/services/packages.ts";
import { type Port, placeOf, portsOfSs } from "../../firstboot/services/place.ts";
import { readSecrets } from "../../firstboot/services/secrets.ts";
import { readStates } from "../../firstboot/services/state.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { LabHost } from "../lab/host.ts";
import { dns } from "../lab/hosts/dns.ts";
import { type Lab, labDown, labUp } from "../lab/lab.ts";
import type { Ran } from "../lab/server.ts";
import { putRequestProgram, requestThrough } from "../lab/step-box.ts";
import { type ChrootBox, chrootBox } from "./chroot-box.ts";
import { serviceRoot } from "./service-root.ts";
import { endProcess, logOf, requiredBy, startUnit } from "./units.ts";

/** Boxes of such a lab, by the names of their hosts. */
export const BOXES = {
  box: { address: "10.139.40.60", hostname: "can-bruixa" },
  neighbour: { address: "10.139.40.61", hostname: "can-pau" },
} as const;
export type BoxName = keyof typeof BOXES;
export const BOX = BOXES.box.address;
export const NEIGHBOUR = BOXES.neighbour.address;

export const community = loadCommunity("guifi");
/** What the boxes are told about the image they are from. */
export const image = {
  version: "test",
  profile: { id: "vm-amd64", title: "test", architecture: "amd64", release: "trixie" },
  boot_mount: "/boot/efi",
  community,
} as unknown as ImageInfo;

export interface ServiceLab {
  readonly lab: Lab;
  boxOf(name: BoxName): ChrootBox;
  /** Its root file system on this machine. */
  rootOf(name: BoxName): string;
  /** Runs a command on the host `client`. */
  client(...command: string[]): Promise<Ran>;
  /** Whether the client reaches a TCP port. */
  isOpen(port: number, address?: string): Promise<boolean>;
  /** Activates the service and runs its units, of which systemctl was only told, until its ports are open. */
  switchOn(at: BoxName, id: string, inputs?: { readonly [name: string]: Value | undefined }): Promise<void>;
  switchOff(at: BoxName, id: string): Promise<void>;
  /** Starts a unit that runs anew, with what its files say now. */
  restart(at: BoxName, unit: string): Promise<void>;
  /** Other hosts can reach those TCP ports that its services declare as public, and no others. */
  expectOnlyDeclared(at: BoxName): Promise<void>;
  /** Memory of a program that runs at the box, what it shares with others included. */
  residentKib(at: BoxName, program: string): number;
  down(): Promise<void>;
}

export interface ServiceLabOptions {
  readonly name: string;
  readonly boxes: readonly BoxName[];
  /** Beside the boxes, a server of names and the client. */
  readonly hosts?: readonly LabHost[];
  /** Services of several boxes, whose packages are installed on the first and copied with it: some take minutes. */
  readonly shared?: readonly string[];
}

/** The packages of a service, and nothing of its settings. */
export async function install(box: Box, service: Service): Promise<void> {
  const place = placeOf(box, "host");
  await preparePackages(place, service);
  await installPackages(place, service);
}

/** An older one of the same name is taken down. */
export async function serviceLab({
  name,
  boxes,
  hosts = [],
  shared = [],
}: ServiceLabOptions): Promise<ServiceLab> {
  await labDown(name);
  const all = [
    dns("dns", "10.139.40.1"),
    { name: "client", address: "10.139.40.80" },
    ...boxes.map((each) => ({ name: each, address: BOXES[each].address })),
    ...hosts,
  ];
  const lab = await labUp({ name, root: await labRoot(), community, hosts: all });
  const roots = new Map<BoxName, string>();
  const made = new Map<BoxName, ChrootBox>();
  const running: Running[] = [];
  const down = async () => {
    for (const { child } of running) child.kill("SIGKILL");
    await labDown(name);
    for (const root of roots.values()) rmSync(root, { recursive: true, force: true });
  };
  try {
    for (const each of boxes) {
      const [first] = roots.values();
      const root = first === undefined ? await serviceRoot(`${name}-${each}`) : `${first}-${each}`;
      if (first !== undefined) await $`rm -rf ${root} && cp --archive ${first} ${root}`;
      roots.set(each, root);
      const box = await boxAt(lab, root, each);
      if (first === undefined) for (const id of shared) await install(box, find(id));
      made.set(each, box);
    }
  } catch (error) {
    // Whoever called it has nothing yet to take down.
    await down();
    throw error;
  }
  const boxOf = (at: BoxName) => made.get(at)!;
  const client = (...command: string[]) => lab.run("client", command);
  return {
    lab,
    boxOf,
    rootOf: (at) => roots.get(at)!,
    client,
    isOpen: (port, address = BOX) =>
      client("sh", "-c", `busybox nc -w 1 ${address} ${port} </dev/null`).then(({ code }) => code === 0),
    switchOn: (at, id, inputs = {}) => switchOn(running, boxOf(at), id, inputs),
    switchOff: (at, id) => switchOff(running, boxOf(at), id),
    restart: (at, unit) => restart(running, boxOf(at), unit),
    expectOnlyDeclared: (at) => expectOnlyDeclared(boxOf(at)),
    residentKib: (at, program) => residentKib(lab.place(at).namespace, program),
    down,
  };
}

async function boxAt(lab: Lab, root: string, name: BoxName): Promise<ChrootBox> {
  await putRequestProgram(lab.place(name).directory);
  const named =
    'echo nameserver 10.139.40.1 >/tmp/r && busybox mount -o bind /tmp/r /etc/resolv.conf && exec "$@"';
  const request = requestThrough((...command) => lab.run(name, ["sh", "-euc", named, "box", ...command]));
  const refresh: { readonly [command: string]: () => Promise<unknown> } = {
    "guifi-dns": () => refreshDomains(box, image),
    "guifi-graphs": () => refreshGraphs(box, image),
  };
  const programs = { cbox: ([command = ""]: readonly string[]) => refresh[command]!() };
  const box: ChrootBox = { ...chrootBox(root, lab.place(name).namespace, programs), request };
  await box.writeFile("/etc/hostname", `${BOXES[name].hostname}\n`);
  await box.writeFile("/etc/community-box/ca.pem", lab.authority());
  return box;
}

interface Running {
  readonly at: ChrootBox;
  readonly unit: string;
  readonly child: ChildProcess;
}

const find = (id: string) => findService(id)!;

async function switchOn(running: Running[], at: ChrootBox, id: string, inputs: object): Promise<void> {
  const service = find(id);
  await activate({ box: at, image }, service, {
    where: "host",
    inputs: { ...defaultInputs(service), ...inputs },
  });
  const units = await unitsOf(at, id);
  for (const unit of units) await restart(running, at, unit);
  const wanted = (await portsAt(at, id)).map(({ port, protocol }) => `${protocol}/${port}`);
  const open = await until(
    async () => portsOfSs((await at.run("ss", ["-Hlntu"])).stdout),
    (there) => wanted.every((port) => there.has(port)),
  );
  const logs = await Promise.all(units.map((unit) => at.readFile(logOf(unit))));
  expect([...open], `${id} listens; it said: ${logs.join("\n")}`).toEqual(expect.arrayContaining(wanted));
  await expectOnlyDeclared(at);
}

/** Its services, each after what systemd starts with it. */
async function unitsOf(at: ChrootBox, id: string): Promise<string[]> {
  const units = new Set<string>();
  for (const unit of find(id).units.filter((each) => each.endsWith(".service"))) {
    for (const each of [...(await requiredBy(at, unit)), unit]) units.add(each);
  }
  return [...units];
}

/** Those that a service has with its inputs. */
async function portsAt(at: ChrootBox, id: string): Promise<Port[]> {
  const { inputs } = (await readStates(at))[id]!;
  return portsOf(find(id), { community: image.community, inputs });
}

async function switchOff(running: Running[], at: ChrootBox, id: string): Promise<void> {
  await deactivate({ box: at, image }, find(id));
  for (const unit of find(id).units) expect(at.told).toContain(`disable --now ${unit}`);
  for (const unit of (await unitsOf(at, id)).reverse()) await endUnit(running, at, unit);
}

async function restart(running: Running[], at: ChrootBox, unit: string): Promise<void> {
  await endUnit(running, at, unit);
  running.push({ at, unit, child: await startUnit(at, unit) });
}

async function expectOnlyDeclared(at: ChrootBox): Promise<void> {
  const on = Object.entries(await readStates(at)).filter(([, { state }]) => state === "on");
  const declared = (await Promise.all(on.map(([id]) => portsAt(at, id)))).flat();
  const beyondLoopback = ["not", "src", "127.0.0.0/8", "and", "not", "src", "[::1]"];
  const { stdout } = await at.run("ss", ["-Hlnt", ...beyondLoopback]);
  expect([...portsOfSs(stdout)].sort(), "reached from other hosts").toEqual(
    declared
      .filter(({ protocol, public: isPublic }) => isPublic && protocol === "tcp")
      .map(({ port }) => `tcp/${port}`)
      .sort(),
  );
}

function residentKib(namespace: string, program: string): number {
  const pids = execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" });
  return pids
    .split("\n")
    .filter(Boolean)
    .map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"))
    .filter((status) => status.startsWith(`Name:\t${program}\n`))
    .reduce((sum, status) => sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0), 0);
}

async function endUnit(running: Running[], at: ChrootBox, unit: string): Promise<void> {
  const index = running.findIndex((each) => each.at === at && each.unit === unit);
  const [old] = index < 0 ? [] : running.splice(index, 1);
  if (old) await endProcess(old.child);
}

/** The last it has looked at, which is as wanted, or not after a minute. */
export async function until<T>(
  look: () => Promise<T>,
  isIt: (value: T) => boolean,
  seconds = 300,
): Promise<T> {
  for (const end = performance.now() + seconds * 1000; ; await delay(250)) {
    const value = await look();
    if (isIt(value) || performance.now() > end) return value;
  }
}

/** Those that the box has made for a service, by account. */
export async function passwordsOf(box: ChrootBox, id: string): Promise<{ readonly [name: string]: string }> {
  return (await readSecrets(box, find(id))).passwords as { readonly [name: string]: string };
}
