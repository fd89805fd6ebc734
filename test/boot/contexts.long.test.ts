// SPDX-License-Identifier: GPL-3.0-or-later
// A box with contexts: both have what was asked for and no more, they are isolated from each other and from the
// networks around the box, and all of it is restored after a restart.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labRoot } from "../../image/lab-root.ts";
import { loadCommunity } from "../../image/profile/index.ts";
import { LAB_HOSTS } from "../lab/hosts/index.ts";
import { type Lab, labUp } from "../lab/lab.ts";
import { BOOT_MS, type Box, createBox } from "./harness.ts";
import * as contexts from "./inside.ts";
import * as seen from "./observations.ts";
import { subject } from "./subject.ts";

const ANSWERS = `version: 1
system:
  language: en
  hostname: can-tres
  owner: { name: anna, password: "cinc peixos al cove" }
network: { method: dhcp }
vpn: { join: false }
contexts: { share: exact, memory_mib: 600, cpus: 1, disk_gib: 2, processes: 400, instances: 4 }
services: { mosquitto: { enabled: true, context: community, users: anna } }
`;
const MIB = 1024 * 1024;
/** Unpacking the template and starting two systems on an emulated processor. */
const DIVIDE_MS = 900_000;
/** A start of Incus or of a container. */
const START_MS = 300_000;
const LONG = { timeoutMs: START_MS };
/** Seconds within which a context answers while the other one is overloaded. */
const ANSWERS_WITHIN = 60;

let lab: Lab;
let box: Box;
const times: string[] = [];

beforeAll(async () => {
  lab = await labUp({ name: "contexts", root: await labRoot(), community: loadCommunity("guifi") });
  box = await createBox({ ...(await subject("vm-amd64")), lab, memoryMib: 2048, ownDisk: true });
  await (await box.bootPartition()).put("answers.yaml", ANSWERS);
  await box.powerOn();
});

afterAll(async () => {
  console.log(times.join("\n"));
  await box?.destroy();
  await lab?.down();
});

const inside = (id: string, command: string) => contexts.inside(box, id, command);
const say = (id: string, command: string) => contexts.say(box, id, command);
const kernel = (id: string, file: string) => contexts.kernel(box, id, file);

/** Of a context's container. */
const addressOf = async (id: string) =>
  (await say(id, "ip -4 -brief address show eth0")).split(/\s+/)[2]!.split("/")[0]!;
/** Of the box in the lab. */
const ownAddress = async () =>
  (await box.ask("ip -4 -brief address show scope global up | grep -v cbox-")).match(/10\.[\d.]+/)?.[0] ?? "";
/** Opens a connection from a host of the lab, and closes it. */
const fromPeer = (address: string, port: number) =>
  lab.run("peer", ["sh", "-c", `busybox nc -w 5 ${address} ${port} </dev/null`]);

/** The service of the community in this test, which logs who comes. */
const MQTT = 1883;
/** Where the box and all of the lab are. */
const HOME = "10.139.40.0/24";
const PEER = LAB_HOSTS.find(({ name }) => name === "peer")?.address;

/** Addresses of those who came to it since it was started last. */
async function clients(): Promise<string[]> {
  const since = "_SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value mosquitto.service)";
  const log = await say("community", `journalctl --output=cat --no-pager ${since}`);
  return [...log.matchAll(/New connection from ([\d.]+):/g)].map(([, address]) => address ?? "");
}

/** Comes to it from the lab and from the box, and resolves to how each was seen. */
async function visit(): Promise<{ peer: string[]; box: string[] }> {
  const seen = async (count: number) => {
    await expect.poll(async () => (await clients()).length, { timeout: START_MS }).toBeGreaterThan(count);
    return (await clients()).slice(count);
  };
  const address = await ownAddress();
  let before = (await clients()).length;
  expect(await fromPeer(address, MQTT)).toMatchObject({ code: 0 });
  const peer = await seen(before);
  before = (await clients()).length;
  await box.ask(`timeout 30 bash -c '</dev/tcp/${address}/${MQTT}'`);
  return { peer, box: await seen(before) };
}

async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const start = Date.now();
  const result = await run();
  times.push(`${what}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

describe("vm-amd64 BIOS: contexts by answers.yaml", () => {
  test("are made without a key press", async () => {
    await box.expect(/\[apply\] Disk for the contexts/, { timeoutMs: BOOT_MS + START_MS });
    await timed("contexts, from the partition to the last check", () =>
      box.expect(/\[done\] Set-up is complete/, { timeoutMs: DIVIDE_MS }),
    );
    await box.expect(/can-tres login: /, { timeoutMs: BOOT_MS });
    expect(await box.ask("incus list --all-projects --format csv --columns ens", LONG)).toBe(
      "community,community,RUNNING\nowner,owner,RUNNING",
    );
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });

  test("have the limits that were asked for, in Incus and in the kernel", async () => {
    const limits = await box.ask("incus project show community | grep -E 'limits\\.'");
    expect(limits.split("\n").map((line) => line.trim())).toEqual([
      "limits.disk: 2048MiB",
      'limits.instances: "4"',
      "limits.memory: 600MiB",
      'limits.processes: "400"',
    ]);
    expect(await kernel("community", "memory.max")).toBe(String(600 * MIB));
    expect(await kernel("community", "pids.max")).toBe("400");
    expect(await kernel("community", "cpuset.cpus.effective")).toBe("1");
    expect(await kernel("owner", "cpuset.cpus.effective")).toBe("0-1");
    // What is left of 2 GiB after the host's quarter and the community.
    expect(Number(await kernel("owner", "memory.max"))).toBeLessThan(0.75 * 2048 * MIB - 600 * MIB);
    times.push(`memory of a context at rest: ${await contexts.memoryOf(box, "owner")} MiB`);
  });

  test("are reported alike by cbox contexts for people and as JSON", async () => {
    const { instances } = JSON.parse(await box.ask("cbox contexts --json", LONG));
    expect(instances).toMatchObject([
      { name: "owner", status: "Running" },
      { name: "community", status: "Running", memoryMib: { limit: 600 }, diskMib: { limit: 2048 } },
    ]);
    expect(await box.ask("runuser -u anna -- cbox contexts")).toMatch(/\d+\/600 MiB/);
    expect((await box.shell("cbox contexts enter comunity")).stderr).toContain("[unknown-context]");
  });
});

describe("vm-amd64 BIOS: a service in a context", () => {
  test("works and is announced", async () => {
    const { services } = JSON.parse(await box.ask("cbox services --json", LONG));
    expect(services.find(({ id }: { id: string }) => id === "mosquitto")).toMatchObject({
      where: "community",
      works: true,
      announced: `${await ownAddress()}:${MQTT}`,
    });
  });

  test("sees other machines by their own addresses, and the box can reach it, too", async () => {
    const visitors = await visit();
    expect(visitors.peer).toContain(PEER);
    expect(visitors.peer).not.toContain("127.0.0.1");
    expect(visitors.box).toEqual(["127.0.0.1"]);
  });

  test("sees their addresses immediately at a new address of the box", async () => {
    await box.ask(
      `ip address add 10.139.40.99/24 dev $(ip -o route get ${PEER} | grep -o 'dev [^ ]*' | cut -c5-)`,
    );
    const before = (await clients()).length;
    expect(await fromPeer("10.139.40.99", MQTT)).toMatchObject({ code: 0 });
    await expect.poll(async () => (await clients()).slice(before), { timeout: START_MS }).toContain(PEER);
    await box.ask(
      `ip address del 10.139.40.99/24 dev $(ip -o route get ${PEER} | grep -o 'dev [^ ]*' | cut -c5-)`,
    );
  });

  test("is still reached through the box when the forwarding rules are deleted, until publish restores them", async () => {
    await box.ask("nft delete table ip community-box-ports");
    expect((await visit()).peer).toContain("127.0.0.1");
    await box.ask("cbox publish", LONG);
    expect((await visit()).peer).toContain(PEER);
  });
});

describe("vm-amd64 BIOS: the isolation of the contexts", () => {
  test("gives each its own files, processes and users", async () => {
    await say("owner", "echo mine > /root/diary; nohup sleep 4242 >/dev/null 2>&1 &");
    expect(await say("owner", "cat /root/diary; pgrep -c sleep")).toBe("mine\n1");
    expect((await inside("community", "cat /root/diary")).stderr).toContain("No such file");
    expect((await inside("community", "pgrep -c sleep")).stdout.trim()).toBe("0");
    const users = await Promise.all(
      ["owner", "community"].map((id) => say(id, "head -n 1 /proc/self/uid_map")),
    );
    const first = users.map((line) => line.trim().split(/\s+/)[1]);
    expect(Number(first[0])).toBeGreaterThanOrEqual(1_000_000);
    expect(first[0]).not.toBe(first[1]);
  });

  test("keeps each from the other and from the box's SSH, and lets both reach the community network and names", async () => {
    const tcp = (address: string, port: number) => `timeout 10 bash -c '</dev/tcp/${address}/${port}'`;
    const [owner, community] = [await addressOf("owner"), await addressOf("community")];
    const own = await ownAddress();
    expect((await fromPeer(own, 22)).stdout).toContain("SSH-2.0");

    for (const id of ["owner", "community"]) {
      const gateway = await say(id, "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
      for (const door of [gateway, own]) {
        // Nor a port of the box that leads into the community's context.
        for (const port of [22, MQTT]) {
          const { code, stderr } = await inside(id, tcp(door, port));
          expect(code, `${id} to ${door}, ${port}`).not.toBe(0);
          expect(stderr).toMatch(/refused|unreachable|prohibited|No route|^$/i);
        }
      }
      expect(await say(id, `${tcp(gateway, 53)} && echo answers`)).toBe("answers");
    }
    expect((await inside("owner", tcp(community, MQTT))).code).not.toBe(0);
    expect((await inside("owner", `ping -c 1 -W 3 ${community}`)).code).not.toBe(0);
    expect((await inside("community", `ping -c 1 -W 3 ${owner}`)).code).not.toBe(0);
    // The community's name server, which every box is told by DHCP.
    const [server] = (await box.ask("resolvectl dns")).match(/10\.[\d.]+/) ?? [];
    expect(await say("owner", `${tcp(server!, 53)} && echo there`)).toBe("there");
    // It is a neighbour in the lab, in a network that the box is connected to: closed to the community till the owner says so.
    expect((await inside("community", tcp(server!, 53))).code).not.toBe(0);
    await box.ask(`cbox contexts walls open ${HOME}`, LONG);
    expect(await say("community", `${tcp(server!, 53)} && echo there`)).toBe("there");
    await box.ask(`cbox contexts walls close ${HOME}`, LONG);
    expect((await inside("community", tcp(server!, 53))).code).not.toBe(0);
  });

  test("follows a new address of the box, and is active again after each change", async () => {
    await box.ask("systemctl is-active cbox-walls.service");
    const { home, forward } = JSON.parse(await box.ask("cbox contexts walls --json", LONG));
    expect(home).toContain(HOME);
    expect(forward).toBe("default");
    const card = `$(ip -o route get ${PEER} | grep -o 'dev [^ ]*' | cut -c5-)`;
    const set = "nft list set inet community-box-contexts home4";
    await box.ask(`ip address add 10.77.7.5/24 dev ${card}`);
    await box.ask(
      `for i in $(seq 60); do ${set} | grep -q 10.77.7.0/24 && exit 0; sleep 1; done; exit 1`,
      LONG,
    );
    await box.ask(`ip address del 10.77.7.5/24 dev ${card}`);
  });

  test("drops packets of a context from an address that it was not given", async () => {
    expect(await box.ask("incus profile device show default --project community", LONG)).toMatch(
      /security\.ipv4_filtering: "true"/,
    );
    const gateway = await say("community", "ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'");
    const other = gateway.replace(/\.1$/, ".250");
    await say("community", `ip address add ${other}/24 dev eth0`);
    const own = await addressOf("community");
    const dnsFrom = async (address: string) => {
      await say("community", `ip route replace ${gateway}/32 dev eth0 src ${address}`);
      return inside("community", `timeout 30 bash -c '</dev/tcp/${gateway}/53'`);
    };
    expect(await dnsFrom(own)).toMatchObject({ code: 0 });
    expect((await dnsFrom(other)).code).not.toBe(0);
    await say("community", `ip route del ${gateway}/32 dev eth0`);
    await say("community", `ip address del ${other}/24 dev eth0`);
  });

  test("keeps others from what listens in a context, by whatever path", async () => {
    const port = 4000;
    await inside("community", `systemd-run --unit=open systemd-socket-activate --listen=${port} --inetd cat`);
    const community = await addressOf("community");
    const knock = (address: string) => `timeout 10 bash -c '</dev/tcp/${address}/${port}'`;
    // It is there: the box itself may.
    await box.ask(`for i in $(seq 60); do ${knock(community)} && exit 0; sleep 1; done; exit 1`, LONG);
    const way = ["ip", "route", "replace", `${community}/32`, "via", await ownAddress()];
    expect(await lab.run("peer", way)).toMatchObject({ code: 0 });
    expect((await fromPeer(community, port)).code).not.toBe(0);
    expect((await fromPeer(await ownAddress(), port)).code).not.toBe(0);
    expect((await inside("owner", knock(community))).code).not.toBe(0);
    await say("community", "systemctl stop open");
  });

  test("withstands the usual container escapes", async () => {
    const boot = await box.ask("cat /proc/sys/kernel/random/boot_id");
    for (const [attempt, answer] of [
      ["mknod /root/disk b 254 3", /Operation not permitted/],
      ["mount -t ext4 /dev/vda3 /mnt", /permission denied|does not exist|not permitted|special device/i],
      [
        "mount -t btrfs LABEL=cbox-community /mnt",
        /permission denied|can't find|not permitted|special device/i,
      ],
      ["echo b > /proc/sysrq-trigger", /Permission denied|Read-only|cannot create/i],
      ["echo 1 > /proc/sys/kernel/panic", /Permission denied|Read-only|cannot create/i],
      ["modprobe dummy || insmod /lib/modules/none.ko", /not found|not permitted|could not|No such file/i],
      ["ls -A /proc/1/root/../../usr/lib/community-box", /No such file/],
      ["nsenter -t 1 -m -p -- cat /usr/lib/community-box/image.json", /No such file/],
    ] as const) {
      for (const id of ["community", "owner"]) {
        const { code, stdout, stderr } = await inside(id, attempt);
        expect(code, `${id}: ${attempt}`).not.toBe(0);
        expect(`${stdout}${stderr}`, `${id}: ${attempt}`).toMatch(answer);
      }
    }
    expect(await box.ask("cat /proc/sys/kernel/random/boot_id")).toBe(boot);
    expect(await box.ask("lsmod | grep -c ^dummy || true")).toBe("0");
  });
});

describe("vm-amd64 BIOS: a community that exhausts its resources", () => {
  /** How long the owner's context takes for a small task, in seconds. */
  async function ownerAnswers(): Promise<number> {
    const start = Date.now();
    expect(
      await say(
        "owner",
        "dd if=/dev/zero of=/root/work bs=1M count=20 conv=fsync 2>/dev/null; cat /root/diary",
      ),
    ).toBe("mine");
    return (Date.now() - start) / 1000;
  }

  test("is stopped at its memory limit, while the owner's context answers", async () => {
    times.push(`owner's task, all quiet: ${(await ownerAnswers()).toFixed(1)} s`);
    const hog = inside("community", "tail /dev/zero");
    const during = await ownerAnswers();
    const { code } = await hog;
    times.push(`owner's task beside a memory hog: ${during.toFixed(1)} s`);
    expect(code).toBe(137);
    expect(during).toBeLessThan(ANSWERS_WITHIN);
    expect(await kernel("community", "memory.events")).toMatch(/oom_kill [1-9]/);
    expect(await kernel("owner", "memory.events")).toMatch(/oom_kill 0/);
    expect(Number(await kernel("community", "memory.peak"))).toBeLessThanOrEqual(600 * MIB);
  });

  test("is stopped at its process limit by a fork bomb, while the owner's context answers", async () => {
    await box.ask(
      "(incus exec community --project community -- bash -c 'bomb() { bomb | bomb & }; bomb; sleep 20' >/dev/null 2>&1 &)",
    );
    await box.ask(
      "for i in $(seq 120); do grep -q 'max [1-9]' /sys/fs/cgroup/lxc.payload.community_community/pids.events && exit 0; sleep 1; done; exit 1",
      LONG,
    );
    const during = await ownerAnswers();
    times.push(`owner's task beside a fork bomb: ${during.toFixed(1)} s`);
    expect(during).toBeLessThan(ANSWERS_WITHIN);
    expect(Number(await kernel("community", "pids.current"))).toBeLessThanOrEqual(400);
    expect(await kernel("owner", "pids.events")).toMatch(/max 0/);
    // Stopped first, or the running ones would fork; the brackets keep the pattern from matching its own command.
    // Dead processes count until the container's init has reaped them.
    const calm = `[ $(cat /sys/fs/cgroup/lxc.payload.community_community/pids.current) -lt 100 ]`;
    await box.ask(
      `for i in $(seq 120); do pkill -STOP -f '[b]omb'; pkill -KILL -f '[b]omb'; ${calm} && exit 0; sleep 1; done; exit 1`,
      LONG,
    );
    expect(await say("community", "echo alive")).toBe("alive");
  });

  test("is stopped at its disk limit, while the owner's context still writes", async () => {
    // Not zeros, which would be compressed to almost nothing.
    const fill = "head -c 4M /dev/urandom > /root/seed; while cat /root/seed >> /root/fill; do :; done";
    const { stderr } = await inside("community", fill);
    expect(stderr).toMatch(/quota exceeded|No space left/);
    const size = Number(await say("community", "sync; stat -c %s /root/fill"));
    times.push(`disk filler ended at ${Math.round(size / MIB)} of 2048 MiB`);
    expect(size).toBeGreaterThan(1000 * MIB);
    expect(size).toBeLessThan(2048 * MIB);
    expect(await ownerAnswers()).toBeLessThan(ANSWERS_WITHIN);
    await say("community", "rm -f /root/fill /root/seed; sync");
    await box.ask("df --output=avail -B1M / | awk 'NR == 2 { exit $1 < 500 }'");
  });

  /** The share, and beside it the template and the books of its file system. */
  const COMMUNITY_MIB = 2048 + 250;

  test("is stopped at its disk size with files and snapshots of its root, while the owner's context still writes", async () => {
    expect(await contexts.diskMib(box, "community")).toBe(COMMUNITY_MIB);
    const btrfs = await contexts.bringBtrfs(box, "community");
    // A subvolume of its own, which no quota of the container counts, and one snapshot for each 100 MiB.
    const { stdout } = await inside(
      "community",
      `cd /root && head -c 4M /dev/urandom >seed && ${btrfs} subvolume create own >/dev/null && n=0 && ` +
        // Appended: what cat(1) writes from one file into another is cloned by btrfs, and takes no room.
        `while [ $n -lt 60 ] && : >own/fill && for i in $(seq 25); do cat seed >>own/fill || exit_=1; [ -z "$exit_" ] || break; done && ` +
        `[ -z "$exit_" ] && ${btrfs} subvolume snapshot own own-$n >/dev/null; do n=$((n + 1)); done; echo made $n`,
    );
    const made = 100 * Number(/made (\d+)/.exec(stdout)?.[1]);
    times.push(`snapshots of the community's root hold ${made} MiB of ${COMMUNITY_MIB}`);
    expect(made).toBeGreaterThan(1500);
    expect(made).toBeLessThan(COMMUNITY_MIB);
    expect(await box.ask("stat -c %s /var/lib/incus/disks/cbox-community.img")).toBe(
      String(COMMUNITY_MIB * MIB),
    );
    expect(await ownerAnswers()).toBeLessThan(ANSWERS_WITHIN);
    const { pools } = JSON.parse(await box.ask("cbox contexts --json", LONG));
    expect(pools.community.sizeMib).toBe(COMMUNITY_MIB);
    expect(pools.community.usedMib).toBeGreaterThan(1500);
    expect(pools.owner.usedMib).toBeLessThan(500);
    // What is full cannot be made smaller, and stays as it is.
    expect((await box.shell("cbox contexts resize community --disk 1", LONG)).stderr).toContain("[no-room]");
    expect(await contexts.diskMib(box, "community")).toBe(COMMUNITY_MIB);
    await say("community", `cd /root && ${btrfs} subvolume delete own own-* >/dev/null; rm -f seed; sync`);
    await box.ask("btrfs subvolume sync /var/lib/incus/storage-pools/cbox-community", LONG);
  });

  test("has, as the owner does, a disk that can be resized while it is in use", async () => {
    const owner = await contexts.diskMib(box, "owner");
    await box.ask("cbox contexts resize community --disk 1", LONG);
    expect(await contexts.diskMib(box, "community")).toBe(COMMUNITY_MIB - 1024);
    expect(await contexts.diskMib(box, "owner")).toBe(owner + 1024);
    await box.ask("cbox contexts resize community --disk 2", LONG);
    expect(await contexts.diskMib(box, "community")).toBe(COMMUNITY_MIB);
    expect(await contexts.diskMib(box, "owner")).toBe(owner);
    expect(await say("owner", "cat /root/diary")).toBe("mine");
  });
});

describe("vm-amd64 BIOS: slivers", () => {
  test("are made in seconds with almost no disk space, and with limits of their own", async () => {
    const { seconds, mib } = await contexts.makeSliver(box, "web");
    times.push(`one more sliver: ${seconds.toFixed(1)} s, ${mib.toFixed(1)} MiB on the disk`);
    expect(mib).toBeLessThan(5);
    const web = (file: string) => contexts.kernel(box, "community", file, "web");
    expect(await web("memory.max")).toBe(String(96 * MIB));
    expect(await web("cpuset.cpus.effective")).toBe("1");
    // It came out of the community's own container.
    expect(await kernel("community", "memory.max")).toBe(String(504 * MIB));
    expect((await box.shell("incus exec web --project community -- tail /dev/zero", LONG)).code).toBe(137);
    expect(await say("community", "echo alive")).toBe("alive");
    expect((await box.shell("cbox contexts sliver create big --memory 500", LONG)).stderr).toContain(
      "[no-room]",
    );
    expect((await box.shell("cbox contexts sliver create vm --vm", LONG)).stderr).toContain(
      "[vm-impossible]",
    );
  });
});

describe("vm-amd64 BIOS: performance in a context", () => {
  test("is at least 80 % of the box's for a processor", async () => {
    const speed = await contexts.processorRatio(box);
    times.push(`processor inside / outside: ${speed.toFixed(2)}`);
    expect(speed).toBeGreaterThan(0.8);
  });

  test("is at least 80 % of the box's for writing to a file system", async () => {
    const speed = await contexts.fileSystemRatio(box);
    times.push(`file system inside / outside: ${speed.toFixed(2)}`);
    expect(speed).toBeGreaterThan(0.8);
  });
});

describe("vm-amd64 BIOS: a context that Incus cannot start", () => {
  test("is started by the box once that is possible", async () => {
    const state = "incus list --project community --format csv --columns s '^community$'";
    const journal = "journalctl --output=cat --boot --unit=cbox-start-contexts";
    await box.ask("incus stop community --project community", LONG);
    // Its proxy cannot listen.
    await box.ask(`systemd-run --unit=taken systemd-socket-activate --listen=${MQTT} cat`);
    await box.ask("systemctl start --no-block cbox-start-contexts");
    await box.ask(
      `for i in $(seq 300); do ${journal} | grep -q 'Scheduled restart' && exit 0; sleep 1; done; exit 1`,
      LONG,
    );
    expect(await box.ask(state, LONG)).toBe("STOPPED");
    await box.ask("systemctl stop taken");
    await contexts.allRun(box, 3);
    expect(await box.ask(state, LONG)).toBe("RUNNING");
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
  });
});

describe("vm-amd64 BIOS: after a restart", () => {
  test("all of it runs again, and a removed sliver returns its resources", async () => {
    const boot = await box.ask("cat /proc/sys/kernel/random/boot_id");
    await box.ask("systemctl reboot");
    await box.expect(/can-tres login: /, { timeoutMs: BOOT_MS + START_MS });
    expect(await box.ask("cat /proc/sys/kernel/random/boot_id", LONG)).not.toBe(boot);
    expect(await seen.health(box)).toEqual(seen.HEALTHY);
    await contexts.allRun(box, 3);
    expect(await say("owner", "cat /root/diary")).toBe("mine");
    expect(await kernel("community", "memory.max")).toBe(String(504 * MIB));
    const active = "systemctl is-active --quiet mosquitto";
    await say("community", `for i in $(seq 300); do ${active} && exit 0; sleep 1; done; exit 1`);
    const visitors = await visit();
    expect(visitors.peer).toContain(PEER);
    expect(visitors.box).toEqual(["127.0.0.1"]);
    await box.ask("cbox contexts sliver remove web", LONG);
    expect(await kernel("community", "memory.max")).toBe(String(600 * MIB));
    expect(await seen.openPorts(box)).toEqual(expect.arrayContaining(["tcp/22"]));
  });
});
