// SPDX-License-Identifier: GPL-3.0-or-later
// The lab: a small community in network namespaces of its own, without a connection to other networks.
// Up and down may be called any number of times, by any process, also after a crash of an earlier one.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import type { TapNetwork } from "../../image/guest/qemu.ts";
import { end, hostProcess, isAlive } from "../../image/host/process.ts";
import { authorityCertificate, introduceAuthority, makeAuthorities } from "./authority.ts";
import type { Community, LabHost } from "./host.ts";
import { LAB_HOSTS } from "./hosts/index.ts";
import {
  existingNamespaces,
  makeHost,
  makeSwitch,
  makeTap,
  namespaceOf,
  removeNamespace,
  removeTap,
  switchOf,
  waitUntilEmpty,
} from "./network.ts";
import {
  changeRecord,
  claimRecord,
  hostDirectory,
  type LabRecord,
  labDirectory,
  readRecord,
  recordedLabs,
  removeRecord,
  type ServerChange,
} from "./record.ts";
import { type Place, type Ran, runInside } from "./server.ts";
import { addServer, changeServer, isAsWanted } from "./upkeep.ts";

export interface LabOptions {
  readonly name?: string;
  /** Root file system with the servers, see `labRoot()`. */
  readonly root: string;
  readonly community: Community;
  readonly hosts?: readonly LabHost[];
  /** Aborting it stops setting up, and removes what was made so far. */
  readonly signal?: AbortSignal;
}

export interface Lab {
  readonly name: string;
  /** Certificate of the lab's authority (PEM), which its servers' certificates are checked against. */
  authority(): string;
  /** Where a host's server and {@link Lab.run} work. */
  place(host: string): Place;
  /** Runs a command on a host. */
  run(host: string, command: readonly string[]): Promise<Ran>;
  /** Plugs a box in. Its network card has the same address each time. */
  attach(box: string): Promise<TapNetwork>;
  detach(box: string): Promise<void>;
  /** Makes a host's server run with other settings, or not at all, for a reason; undefined removes that reason. */
  change(host: string, reason: string, change: ServerChange | undefined): Promise<void>;
  down(): Promise<void>;
}

export const DEFAULT_LAB = "lab";

/**
 * Sets the lab up, or finds it set up.
 * @throws Failure `lab-busy`, `lab-name-invalid`, `lab-namespace-in-use`, `lab-network-refused`, `lab-server-failed`,
 *   `lab-address-in-use`, `interrupted`
 */
export async function labUp(options: LabOptions): Promise<Lab> {
  const { name = DEFAULT_LAB, root, community, hosts = LAB_HOSTS, signal } = options;
  checkName(name);
  checkAddresses(hosts);
  const lab = openLab(name, root);
  if (isUp(readRecord(name))) return lab;
  await labDown(name);
  await removeAbandoned();
  const starting = hostProcess()!;
  if (!claimRecord(name, { starting, root, servers: [], boxes: [], faults: [] })) return busy(name);
  try {
    await makeSwitch(name);
    for (const host of hosts) await makeHost(name, host.name, host.address);
    await makeAuthorities(name, root);
    nameNameServer(name, hosts);
    for (const host of hosts) {
      if (signal?.aborted) interrupted();
      const place = lab.place(host.name);
      mkdirSync(place.directory, { recursive: true });
      introduceAuthority(name, place.directory);
      const server = await host.server?.(community, hosts);
      if (server) await addServer(name, host, place, server);
    }
    changeRecord(name, ({ starting: _, ...before }) => before);
    return lab;
  } catch (error) {
    // The cause matters more than an error of the clean-up: the next lab removes what is left.
    await removeLab(name).catch(() => {});
    throw error;
  }
}

/** A lab that is up already, to read its state. */
export function findLab(name: string): Lab | undefined {
  const record = readRecord(name);
  return record && isUp(record) ? openLab(name, record.root) : undefined;
}

/**
 * Ends and removes everything of a lab, whole or broken. Returns whether there was anything.
 * @throws Failure `lab-busy` while it is being set up or a box is plugged in, `lab-namespace-in-use`
 */
export async function labDown(name: string = DEFAULT_LAB): Promise<boolean> {
  checkName(name);
  const record = readRecord(name);
  if (record?.starting && record.starting.pid !== process.pid && isAlive(record.starting)) return busy(name);
  const box = record?.boxes.find(({ owner }) => owner.pid !== process.pid && isAlive(owner));
  if (box) {
    fail({
      code: "lab-busy",
      what: `The box "${box.name}" is plugged into the lab.`,
      found: `process ${box.owner.pid}`,
      hint: "switch the box off first (Ctrl-A x on its console)",
    });
  }
  return removeLab(name);
}

function openLab(name: string, root: string): Lab {
  const place = (host: string): Place => ({
    namespace: namespaceOf(name, host),
    root,
    directory: hostDirectory(name, host),
  });
  return {
    name,
    place,
    authority: () => authorityCertificate(name),
    run: (host, command) => runInside(place(host), command),
    change: (host, reason, change) => changeServer(name, place(host), host, reason, change),
    async attach(box) {
      const { tap, mac } = plug(box);
      const owner = hostProcess()!;
      const taken = readRecord(name)?.boxes.find((other) => other.name === box);
      if (taken && isAlive(taken.owner) && taken.owner.pid !== owner.pid) {
        fail({
          code: "lab-box-attached",
          what: `A box called "${box}" is plugged into the lab already.`,
          found: `process ${taken.owner.pid}`,
          hint: "switch that one off first, or use another name",
        });
      }
      if (taken) await this.detach(box);
      changeRecord(name, (before) => ({
        ...before,
        boxes: [...before.boxes, { name: box, tap, mac, owner }],
      }));
      await makeTap(name, tap);
      return { namespace: switchOf(name), tap, mac };
    },
    async detach(box) {
      await removeTap(name, plug(box).tap);
      changeRecord(name, (before) => ({
        ...before,
        boxes: before.boxes.filter((other) => other.name !== box),
      }));
    },
    async down() {
      await labDown(name);
    },
  };
}

/** Programs on the lab's hosts find names as a box does: by asking the lab's own server. */
function nameNameServer(name: string, hosts: readonly LabHost[]): void {
  const address = hosts.find((host) => host.name === "dns")?.address;
  writeFileSync(join(labDirectory(name), "resolv.conf"), address ? `nameserver ${address}\n` : "");
}

/** Names and addresses that follow from the box's name; interface names have at most 15 characters. */
function plug(box: string): { tap: string; mac: string } {
  const hash = createHash("sha256").update(box).digest("hex");
  // 52:54:00 is QEMU's own prefix of locally administered addresses.
  return { tap: `box-${hash.slice(0, 8)}`, mac: `52:54:00:${hash.slice(0, 6).match(/../g)!.join(":")}` };
}

function isUp(record: LabRecord | undefined): boolean {
  return record !== undefined && !record.starting && record.servers.every(isAsWanted);
}

/** Removes labs of any name whose process ended while setting them up. Labs in use stay. */
export async function removeAbandoned(): Promise<void> {
  for (const name of recordedLabs()) {
    const starting = readRecord(name)?.starting;
    if (starting && !isAlive(starting)) await removeLab(name).catch(() => {});
  }
}

async function removeLab(name: string): Promise<boolean> {
  const servers = readRecord(name)?.servers ?? [];
  for (const { process } of servers) if (process) await end(process);
  const namespaces = existingNamespaces(name);
  // Only guests run in the switch's namespace, and they end with the process that started them.
  const switchNamespace = switchOf(name);
  for (const namespace of namespaces) {
    if (namespace === switchNamespace) continue;
    const strangers = await waitUntilEmpty(namespace);
    if (strangers.length === 0) continue;
    fail({
      code: "lab-namespace-in-use",
      what: `The network namespace ${namespace} is used by a process the lab did not start.`,
      found: `process ${strangers.join(", ")}`,
      hint: `look at it with: ip netns pids ${namespace}`,
    });
  }
  for (const namespace of namespaces) await removeNamespace(namespace);
  const existed = namespaces.length > 0 || existsSync(labDirectory(name));
  removeRecord(name);
  return existed;
}

function interrupted(): never {
  return fail({
    code: "interrupted",
    what: "The lab was not set up, because the command was stopped.",
    exitCode: 130,
  });
}

function busy(name: string): never {
  return fail({
    code: "lab-busy",
    what: `The lab "${name}" is being set up by another process.`,
    found: `process ${readRecord(name)?.starting?.pid ?? "unknown"}`,
    hint: "wait until it is done, then run the same command again",
  });
}

function checkName(name: string): void {
  if (/^[a-z][a-z0-9]{0,15}$/.test(name)) return;
  fail({
    code: "lab-name-invalid",
    what: "A lab's name has 1 to 16 lower-case letters and digits and starts with a letter.",
    found: name,
    hint: `--name ${DEFAULT_LAB}`,
  });
}

function checkAddresses(hosts: readonly LabHost[]): void {
  const taken = new Map<string, string>();
  for (const { name, address } of hosts) {
    if (address === undefined) continue;
    const other = taken.get(address);
    if (other) {
      fail({
        code: "lab-address-in-use",
        what: `Two hosts of the lab have the same address: ${other} and ${name}.`,
        found: address,
        hint: "give one of them another address in test/lab/hosts/index.ts",
      });
    }
    taken.set(address, name);
  }
}
