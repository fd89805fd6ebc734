// SPDX-License-Identifier: GPL-3.0-or-later
// The lab itself, with real servers: needs root and network namespaces, no box.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../common/fail.ts";
import { end, hostProcess, isAlive } from "../../image/host/process.ts";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import type { LabHost } from "../lab/host.ts";
import { LEASE_RANGE } from "../lab/hosts/dns.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { serfPeer } from "../lab/hosts/serf-peer.ts";
import { findLab, type Lab, labDown, labUp } from "../lab/lab.ts";
import { leases } from "../lab/leases.ts";
import { existingNamespaces, namespaceOf, processesIn } from "../lab/network.ts";
import { changeRecord, labDirectory, readRecord } from "../lab/record.ts";
import { memberWhere, oldNodeSearch } from "../lab/serf.ts";

const NAME = "labtest";
const HOSTS: readonly LabHost[] = [
  ...LAB_HOSTS,
  serfPeer("neighbour", "10.139.40.23", { join: "10.139.40.22" }),
  { name: "guest" },
];
const community = loadCommunity("guifi");

let root: string;
let lab: Lab;
const up = (hosts = HOSTS) => labUp({ name: NAME, root, community, hosts });

beforeAll(async () => {
  root = await labRoot();
  await labDown(NAME);
  lab = await up();
});

afterAll(async () => {
  await labDown(NAME);
});

describe("a running lab", () => {
  test("resolves the names of the community, and refuses all others", async () => {
    const lookUp = (name: string) =>
      lab.run("neighbour", ["busybox", "nslookup", "-type=a", name, "10.139.40.1"]);
    const ldap = await lookUp("ldap.guifi.net");
    expect(ldap.stdout).toMatch(/Name:\s+ldap\.guifi\.net\s+Address: 10\.139\.40\.30/);
    const outside = await lookUp("debian.org");
    expect(outside.stdout).toContain("NXDOMAIN");
  });

  test("gives a client an address, a name server and no router", async () => {
    // What a lease says reaches the script as variables: print them instead of applying them.
    const told = await lab.run("guest", [
      ...[
        "sh",
        "-euc",
        'printf "#!/bin/sh\\nenv\\n" > /tmp/s; chmod +x /tmp/s; exec busybox udhcpc -f -q -n -i eth0 -x hostname:guest -s /tmp/s',
      ],
    ]);
    expect(told.code).toBe(0);
    const address = /^ip=(\S+)$/m.exec(told.stdout)?.[1];
    expect(address).toMatch(/^10\.139\.40\.1\d\d$/);
    expect(told.stdout).toMatch(/^dns=10\.139\.40\.1$/m);
    expect(told.stdout).toMatch(/^mask=24$/m);
    expect(told.stdout).not.toMatch(/^router=/m);
    expect(leases(lab)).toEqual([expect.objectContaining({ address, name: "guest" })]);
    expect(LEASE_RANGE.first <= address! && address! <= LEASE_RANGE.last).toBe(true);
  });

  test("has Serf agents that see each other and read each other's services", async () => {
    const seen = await memberWhere(lab, ({ name, services }) => name === "neighbour" && services.length > 0);
    expect(seen).toMatchObject({
      address: "10.139.40.23:5000",
      status: "alive",
      services: [{ s: "serf", m: "neighbour.guifi.local", i: "10.139.40.23", p: "5000", e: "guifi" }],
    });
    const back = await memberWhere(lab, ({ name }) => name === "peer", { peer: "neighbour" });
    expect(back.services).toMatchObject([{ s: "serf", d: "SERF_instance_running", i: "10.139.40.22" }]);
    expect((await oldNodeSearch(lab))?.map(({ node_id }) => node_id).sort()).toEqual(["neighbour", "peer"]);
  });

  test("has no route out of any of its namespaces", async () => {
    for (const { name } of HOSTS) {
      const { stdout } = await lab.run(name, ["ip", "-4", "route", "show", "table", "all"]);
      expect(stdout, name).not.toMatch(/^default| via /m);
      const { stdout: json } = await lab.run(name, ["ip", "-json", "-details", "link"]);
      const links = JSON.parse(json) as { ifname: string; linkinfo?: { info_kind: string } }[];
      // The other end of a tunnel is a program on the same host.
      const wires = links.filter(({ linkinfo }) => linkinfo?.info_kind !== "tun");
      expect(
        wires.map(({ ifname }) => ifname),
        name,
      ).toEqual(["lo", "eth0"]);
    }
  });

  test("leaves its root file system unchanged", async () => {
    const touched = await lab.run("dns", ["touch", "/etc/touched"]);
    expect(touched.code).not.toBe(0);
    expect(existsSync(`${root}/etc/touched`)).toBe(false);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(root);
  });

  test('is found by a second "up", and not made again', async () => {
    const before = readRecord(NAME);
    await up();
    expect(readRecord(NAME)).toEqual(before);
    expect(findLab(NAME)?.name).toBe(NAME);
  });

  test("connects a box and disconnects it", async () => {
    const plug = await lab.attach("box");
    expect(plug).toEqual({
      namespace: namespaceOf(NAME, "switch"),
      tap: expect.stringMatching(/^box-[0-9a-f]{8}$/),
      mac: expect.stringMatching(/^52:54:00(:[0-9a-f]{2}){3}$/),
    });
    expect(await lab.attach("box")).toEqual(plug);
    expect(readRecord(NAME)?.boxes).toHaveLength(1);
    await lab.detach("box");
    expect(readRecord(NAME)?.boxes).toEqual([]);
  });
});

describe("starting and stopping a lab", () => {
  test("starts a lab again that lost a server", async () => {
    const [first] = readRecord(NAME)!.servers;
    await end(first!.process!);
    await up();
    const servers = readRecord(NAME)!.servers;
    expect(servers.map(({ host }) => host)).toEqual(
      HOSTS.filter(({ server }) => server).map(({ name }) => name),
    );
    expect(servers.every(({ process }) => isAlive(process!))).toBe(true);
    expect(servers[0]!.process).not.toEqual(first!.process);
  });

  test('clears away what a crash during "up" left behind', async () => {
    const servers = readRecord(NAME)!.servers;
    changeRecord(NAME, (record) => ({
      ...record,
      starting: { pid: process.pid, started: "long ago" },
    }));
    expect(findLab(NAME)).toBeUndefined();
    await up();
    expect(findLab(NAME)?.name).toBe(NAME);
    expect(servers.some(({ process }) => isAlive(process!))).toBe(false);
  });

  test("refuses a lab that another process is starting", async () => {
    const other = hostProcess(process.ppid)!;
    changeRecord(NAME, (record) => ({ ...record, starting: other }));
    for (const failure of [await failureOf(up()), await failureOf(labDown(NAME))]) {
      expect(failure).toMatchObject({ code: "lab-busy", found: `process ${other.pid}` });
    }
    changeRecord(NAME, ({ starting: _, ...record }) => record);
  });

  test("refuses to stop a lab with a box connected by another process", async () => {
    const owner = hostProcess(process.ppid)!;
    const box = { name: "theirs", tap: "box-0", mac: "52:54:00:00:00:00", owner };
    changeRecord(NAME, (record) => ({ ...record, boxes: [box] }));
    expect(await failureOf(labDown(NAME))).toMatchObject({
      code: "lab-busy",
      message: 'The box "theirs" is plugged into the lab.',
    });
    changeRecord(NAME, (record) => ({ ...record, boxes: [] }));
  });

  test('leaves no namespace, process or file after "down", which may be repeated', async () => {
    const { servers } = readRecord(NAME)!;
    const pids = (await Promise.all(existingNamespaces(NAME).map(processesIn))).flat();
    expect(pids.length).toBeGreaterThanOrEqual(servers.length);
    expect(await labDown(NAME)).toBe(true);
    expect(existingNamespaces(NAME)).toEqual([]);
    expect(pids.filter((pid) => hostProcess(pid))).toEqual([]);
    expect(existsSync(labDirectory(NAME))).toBe(false);
    expect(await labDown(NAME)).toBe(false);
  });

  test('removes what a failed "up" made, and gives the reason', async () => {
    const broken: LabHost = {
      name: "broken",
      address: "10.139.40.9",
      server: async () => ({ command: ["sh", "-c", "echo no such luck; exit 3"], ready: /ready/ }),
    };
    const failure = await failureOf(up([...HOSTS, broken]));
    expect(failure).toMatchObject({ code: "lab-server-failed", found: "no such luck" });
    expect(existingNamespaces(NAME)).toEqual([]);
  });

  test('gives the reason of a failed "up" that cannot remove everything, which the next "up" of any lab removes', async () => {
    const namespace = namespaceOf("labother", "broken");
    let stranger: ChildProcess | undefined;
    const broken: LabHost = {
      name: "broken",
      async server() {
        stranger = spawn("ip", ["netns", "exec", namespace, "sleep", "infinity"]);
        await expect.poll(() => processesIn(namespace)).toHaveLength(1);
        return { command: ["sh", "-c", "echo no such luck; exit 3"], ready: /ready/ };
      },
    };
    try {
      const failure = await failureOf(labUp({ name: "labother", root, community, hosts: [broken] }));
      expect(failure).toMatchObject({ code: "lab-server-failed", found: "no such luck" });
      expect(existingNamespaces("labother")).toContain(namespace);
    } finally {
      stranger?.kill("SIGKILL");
    }
    // As if the process that began it had ended by now.
    const ended = { pid: process.pid, started: "long ago" };
    changeRecord("labother", (record) => ({ ...record, starting: ended }));
    await up([{ name: "guest" }]);
    expect(existingNamespaces("labother")).toEqual([]);
    expect(existsSync(labDirectory("labother"))).toBe(false);
    await labDown(NAME);
  });

  test("refuses two hosts with one address before anything is made", async () => {
    const failure = await failureOf(up([...HOSTS, serfPeer("twin", "10.139.40.22")]));
    expect(failure.code).toBe("lab-address-in-use");
    expect(failure.message).toContain("peer and twin");
    expect(existingNamespaces(NAME)).toEqual([]);
  });
});

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}
