// SPDX-License-Identifier: GPL-3.0-or-later
// A box with hostile servers and neighbours: directory, web site and rendezvous of the community, Serf members, a
// cluster of etcd, a peer of its VPN, and root in the community's context. Their text is harmless: it makes an empty
// file where it is run, a line or a title where a terminal interprets it (test/lab/hostile/texts.ts).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { fault } from "../lab/faults/index.ts";
import { NODES } from "../lab/guifi-site/seed.ts";
import { ETCD_PORTS, hostileEtcd } from "../lab/hostile/etcd.ts";
import { hostileLdap } from "../lab/hostile/ldap.ts";
import { floodingPeer, lyingPeer } from "../lab/hostile/serf.ts";
import { TRAP } from "../lab/hostile/texts.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { labMember } from "../lab/members.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as contexts from "./inside.ts";
import * as seen from "./observations.ts";
import { APPLY_MS } from "./set-up-dialogue.ts";
import { subject } from "./subject.ts";

const PASSWORD = "set cabres al tossal";
const MEMBER = labMember("anna");
const PEER = "10.139.40.22";
/** Where every Serf agent of the community listens. */
const SERF = 5000;
const FLOOD = { address: "10.139.40.66", join: PEER, count: 20_000 };
const LIAR = { address: "10.139.40.67", join: PEER, victim: PEER };
const CLUSTER = "10.139.40.68";
/** Most services of one node that a box lists. */
const MOST_SERVICES = 50;
const LONG = { timeoutMs: 300_000 };

const ANSWERS = `version: 1
system:
  language: en
  hostname: can-pau
  owner: { name: anna, password: "${PASSWORD}" }
network: { method: dhcp }
member: { username: ${MEMBER.name}, password: "${MEMBER.password}" }
node: { id: ${NODES.own}, accept_licence: true }
vpn: { join: true }
contexts: { share: exact, memory_mib: 400, cpus: 1, disk_gib: 2, processes: 400, instances: 4 }
`;

let lab: Lab;
let box: Box;

beforeAll(async () => {
  const hosts = LAB_HOSTS.map((host) => {
    const place = ["ldap", "ldap2"].indexOf(host.name);
    return place < 0 ? host : hostileLdap(host.name, host.address ?? "", place);
  });
  lab = await labUp({
    name: "hostile",
    root: await labRoot(),
    community: loadCommunity("guifi"),
    hosts: [...hosts, floodingPeer("flood", FLOOD), lyingPeer("liar", LIAR), hostileEtcd("cluster", CLUSTER)],
  });
  await fault(lab, "api-hostile", true);
  await fault(lab, "rendezvous-hostile", true);
  box = await createBox({ ...(await subject("vm-amd64")), lab, memoryMib: 2048, ownDisk: true });
  const boot = await box.bootPartition();
  await boot.put("ca.pem", lab.authority());
  await boot.put("answers.yaml", ANSWERS);
  await box.powerOn();
});

afterAll(async () => {
  await box?.destroy();
  await lab?.down();
});

/** Files that something of theirs has made, on the box and in its contexts. */
const traps = () =>
  box.ask(
    `find / /tmp /run /var/lib/incus/storage-pools/* -xdev -name '*${TRAP}*' 2>/dev/null || true`,
    LONG,
  );

/** Control sequences for a terminal, or a line that looks like one of the box. */
function drawn(text: string): string[] {
  const signs = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
  return text.split("\n").filter((line) => signs.test(line) || line.startsWith(`[error] ${TRAP}`));
}

const tcp = (address: string, port: number) => `timeout 10 bash -c '</dev/tcp/${address}/${port}'`;

describe("vm-amd64 BIOS: a box among hostile servers and neighbours", () => {
  test("is set up as far as possible, and healthy", async () => {
    await box.expect(/\[done\] Set-up is complete/, { timeoutMs: BOOT_MS + APPLY_MS });
    await box.expect(/can-pau login: /, { timeoutMs: BOOT_MS });
    const states = seen.stepStates(await box.ask("cbox status --json", { timeoutMs: BOOT_MS }));
    // The directory answered nothing that decides, so the web site was asked, whose login is right.
    expect(states).toMatchObject({ system: "works", network: "works", node: "trouble", vpn: "trouble" });
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });

  test("has received what they sent", async () => {
    const [places] = await seen.placesHolding(box, TRAP);
    expect(places).toContain("/var/log/community-box/firstboot.log");
    const { services } = JSON.parse(await box.ask("cbox search --json", LONG));
    const by = (node: string) => services.filter((service: { node: string }) => service.node === node);
    expect(by("liar")).not.toEqual([]);
    expect(by("liar")[0]).toMatchObject({ address: PEER, announced_from: LIAR.address });
    expect(by("flood")).toHaveLength(MOST_SERVICES);
  });

  test("ran none of it", async () => {
    expect(await traps()).toBe("");
  });

  test("sent none of it to a terminal unescaped: neither in the set-up, nor in commands, nor in the log", async () => {
    const console = box.line.transcript;
    expect(console).not.toContain(`\x1b]0;${TRAP}`);
    expect(console).not.toMatch(new RegExp(`^\\[error\\] ${TRAP}`, "m"));
    for (const command of ["status", "member", "node", "vpn", "search", "services", "contexts"]) {
      const { stdout, stderr } = await box.shell(`cbox ${command}`, LONG);
      expect(stdout, command).not.toBe("");
      expect(drawn(`${stdout}\n${stderr}`), command).toEqual([]);
    }
    expect(drawn(await box.ask("cat /var/log/community-box/*.log", LONG))).toEqual([]);
  });

  test("searches without delay while a neighbour announces 20,000 services", async () => {
    const search =
      "s=$(date +%s%N); cbox search --json >/dev/null; e=$(date +%s%N); echo $(((e - s) / 1000000))";
    const help = "s=$(date +%s%N); cbox help >/dev/null; e=$(date +%s%N); echo $(((e - s) / 1000000))";
    const times = async (command: string) => Number(await box.ask(command, LONG));
    const [searched, helped] = [await times(search), await times(help)];
    console.log(`cbox search took ${searched} ms, of which the program's start ${helped} ms`);
    // The program's start, and some dozen processes: Serf's list, and the distance of each node that offers something.
    expect(searched).toBeLessThan(20 * helped);
  });
});

describe("vm-amd64 BIOS: a box with a hostile root in the community's context and a hostile peer in the VPN", () => {
  test("joins the VPN when the rendezvous is honest again", async () => {
    await fault(lab, "rendezvous-hostile", false);
    const { code, stdout, stderr } = await box.shell(
      `printf '%s' ${contexts.quoted(ANSWERS)} | cbox vpn setup --answers -`,
      { timeoutMs: APPLY_MS },
    );
    expect(code, `${stdout}${stderr}`).toBe(0);
  });

  test("does not join a cluster of etcd whose member has shell code as its name, and says so", async () => {
    const endpoints = `http://${CLUSTER}:${ETCD_PORTS.clients}`;
    const wanted = { etcd: { enabled: true, context: "owner", cluster: "join", endpoints } };
    const answers = `${ANSWERS}services: ${JSON.stringify(wanted)}\n`;
    const setUp = `printf '%s' ${contexts.quoted(answers)} | cbox services setup --answers -`;
    const { stdout, stderr } = await box.shell(setUp, { timeoutMs: APPLY_MS });
    expect(drawn(`${stdout}\n${stderr}`)).toEqual([]);
    const said = await box.ask("cbox services log etcd", LONG);
    expect(said).toContain("names its members in a form that is not known");
    expect(drawn(said)).toEqual([]);
    expect(await traps()).toBe("");
    // It has taken itself off the list of members again.
    const list = ["curl", "--silent", "--data", "{}", `${endpoints}/v3/cluster/member/list`];
    const { members } = JSON.parse((await lab.run("cluster", list)).stdout) as { members: object[] };
    expect(members).toHaveLength(1);
    expect(await box.ask("systemctl list-units --failed --plain --no-legend")).toBe("");
  });

  test("keeps the context from the owner's, the box, and its home network", async () => {
    const address = async (id: string) =>
      (await contexts.say(box, id, "ip -4 -brief address show eth0")).split(/\s+/)[2]!.split("/")[0]!;
    const owner = await address("owner");
    await contexts.inside(
      box,
      "owner",
      "systemd-run --unit=open systemd-socket-activate --listen=4000 --inetd cat",
    );
    // It is there: the box itself may.
    await box.ask(`for i in $(seq 60); do ${tcp(owner, 4000)} && exit 0; sleep 1; done; exit 1`, LONG);
    expect((await contexts.inside(box, "community", tcp(owner, 4000))).code).not.toBe(0);
    // Nor a neighbour of the box, which the owner's context and the box reach.
    expect((await contexts.inside(box, "community", tcp(PEER, SERF))).code).not.toBe(0);
    expect((await contexts.inside(box, "owner", tcp(PEER, SERF))).code).toBe(0);
    // With the owner's own address, and with a made-up one of the same network.
    for (const mine of [owner, `${owner.replace(/\.\d+$/, "")}.77`]) {
      await contexts.inside(box, "community", `ip address add ${mine}/24 dev eth0`);
      expect((await contexts.inside(box, "community", tcp(owner, 4000))).code, mine).not.toBe(0);
      await contexts.inside(box, "community", `ip address del ${mine}/24 dev eth0`);
    }
    expect(await contexts.say(box, "owner", "echo alive")).toBe("alive");
  });

  test("forwards nobody from the VPN into its home network", async () => {
    const own =
      (await box.ask("ip -4 -brief address show scope global up")).match(/10\.139\.40\.\d+/)?.[0] ?? "";
    const vpn =
      (await box.ask("ip -4 -brief address show scope global up")).match(/10\.228\.\d+\.\d+/)?.[0] ?? "";
    expect([own, vpn]).not.toContain("");
    const peerOf = (host: string, ...command: string[]) => lab.run(host, command);
    // The way there and the way back lead through the box, as far as the others are concerned.
    expect(await peerOf("vpn", "ip", "route", "replace", `${PEER}/32`, "via", vpn)).toMatchObject({
      code: 0,
    });
    expect(await peerOf("peer", "ip", "route", "replace", "10.228.0.0/16", "via", own)).toMatchObject({
      code: 0,
    });
    // The box itself is reached by both.
    expect((await peerOf("vpn", "sh", "-c", `busybox nc -w 10 ${vpn} 22 </dev/null`)).stdout).toContain(
      "SSH-",
    );
    const through = await peerOf("vpn", "sh", "-c", `busybox nc -w 10 ${PEER} ${SERF} </dev/null`);
    expect(through.code).not.toBe(0);
  });

  test("ran nothing of all that, and is healthy", async () => {
    expect(await traps()).toBe("");
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });
});
