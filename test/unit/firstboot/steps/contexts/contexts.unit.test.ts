// SPDX-License-Identifier: GPL-3.0-or-later
// The step "contexts" and `cbox contexts` on a box in memory: questions, what Incus is told, what goes wrong, slivers.

import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runContexts } from "../../../../../firstboot/commands/contexts.ts";
import { chooseNetworks, rulesOf } from "../../../../../firstboot/contexts/network-acl.ts";
import { readRecord } from "../../../../../firstboot/contexts/record.ts";
import { vmObstacle } from "../../../../../firstboot/contexts/vm.ts";
import type { ImageInfo } from "../../../../../firstboot/host/image-info.ts";
import { paths } from "../../../../../firstboot/host/paths.ts";
import { translator } from "../../../../../firstboot/i18n/translate.ts";
import type { Answers, StepTools } from "../../../../../firstboot/setup/step.ts";
import { contexts } from "../../../../../firstboot/steps/contexts/index.ts";
import { failureOf } from "../../../../failure-of.ts";
import { FakeBox, IMAGE } from "../../../helpers/fake-box.ts";

function toolsFor(box: FakeBox, image: ImageInfo = IMAGE): StepTools {
  return {
    box,
    image,
    providedSecrets: new Set(),
    skippedSteps: new Set(),
    answersOf: () => ({}),
    progress: () => {},
    signal: new AbortController().signal,
  };
}

async function divided(answers: Answers = { share: "half" }): Promise<FakeBox> {
  const box = new FakeBox();
  await contexts.apply(answers, toolsFor(box));
  return box;
}

describe("the questions", () => {
  test("offer the shares with the numbers of this box, in the chosen language", async () => {
    const probe = await contexts.probe(new FakeBox(), IMAGE, { system: { language: "en" } });
    expect(probe.choices?.share?.map(({ label }) => label)).toEqual([
      "A little: 368 MiB memory, 1 of 2 CPU, 2.7 GiB disk",
      "Half: 737 MiB memory, 1 of 2 CPU, 5.5 GiB disk",
      "Most: 1106 MiB memory, 1 of 2 CPU, 8.2 GiB disk",
      "Exact numbers",
    ]);
    expect(probe.defaults).toMatchObject({ share: "half", memory_mib: 737, cpus: 1 });
  });

  test.each([
    ["memory", (box: FakeBox) => void box.files.set("/proc/meminfo", "MemTotal: 800000 kB\n")],
    ["disk", (box: FakeBox) => box.system.contexts.shrinkDisk(5.5)],
  ])("are not asked on a box with too little %s, and the status reports it", async (what, shrink) => {
    const box = new FakeBox();
    shrink(box);
    expect((await contexts.probe(box, IMAGE, {})).hidden).toContain("share");
    await contexts.apply({}, toolsFor(box));
    expect(await contexts.verify({}, toolsFor(box))).toEqual([{ code: `contexts-none-${what}` }]);
    expect(await contexts.status?.(box, IMAGE)).toMatchObject({
      state: "off",
      advice: { key: `status.contexts.none-${what}` },
      data: { reason: `too-little-${what}` },
    });
    expect(box.system.commands.filter((line) => /^(incus|systemd-repart|systemctl)/.test(line))).toEqual([]);
  });

  test.each([
    ["its Debian has no Incus", { ...IMAGE, contexts: "none" }, "engine", "no-incus"],
    ["it is a container itself", { ...IMAGE, container: true }, "container", "container"],
  ] as const)("are not asked on a box that cannot have them: %s", async (_name, image, none, reason) => {
    const box = new FakeBox();
    // The disk of a container's host is not to be seen, and not to be what is said to be lacking.
    if (none === "container") box.system.contexts.shrinkDisk(16);
    const probe = await contexts.probe(box, image, {});
    expect(probe.hidden).toContain("share");
    expect(contexts.check({ share: "half" }, probe, new Set())).toEqual([]);
    const said: string[] = [];
    await contexts.apply({}, { ...toolsFor(box, image), progress: (key) => said.push(key) });
    expect(said).toEqual([`progress.contexts.none-${none}`]);
    expect(await contexts.verify({}, toolsFor(box, image))).toEqual([{ code: `contexts-none-${none}` }]);
    expect(await contexts.status?.(box, image)).toMatchObject({
      state: "off",
      advice: { key: `status.contexts.none-${none}` },
      data: { reason },
    });
    expect(box.system.commands.filter((line) => /^(incus|systemd-repart|systemctl)/.test(line))).toEqual([]);
  });

  test.each([
    ["more memory than the host can spare", { memory_mib: 1400 }, "memory_mib", "share-range", "128 to 1347"],
    ["too little memory", { memory_mib: 100 }, "memory_mib", "share-range", "128 to 1347"],
    ["a word for a number", { cpus: "two" }, "cpus", "share-range", "1 to 2"],
    ["half a processor", { cpus: 0.5 }, "cpus", "share-range", "1 to 2"],
    ["more disk than there is", { disk_gib: 40 }, "disk_gib", "share-range", "1 to 10"],
  ])("refuse %s as a size", async (_name, wish, field, code, range) => {
    const probe = await contexts.probe(new FakeBox(), IMAGE, {});
    const found = contexts.check({ share: "exact", ...wish }, probe, new Set());
    expect(found).toMatchObject([{ field: `contexts.${field}`, code }]);
    expect(found[0]?.expected).toContain(range);
  });

  test('accept exact numbers only with the share "exact"', async () => {
    const probe = await contexts.probe(new FakeBox(), IMAGE, {});
    expect(contexts.check({ share: "half", cpus: 1 }, probe, new Set())).toMatchObject([
      {
        field: "contexts.cpus",
        code: "exact-only",
        expected: "This is only for exact numbers (share: exact).",
      },
    ]);
    expect(contexts.check({ share: "exact", memory_mib: 500, cpus: 1 }, probe, new Set())).toEqual([]);
  });
});

describe("apply", () => {
  test("makes a partition, and sets the active mark again that the new table removed", async () => {
    const { commands } = (await divided()).system;
    const made = commands.findIndex((line) => line.startsWith("systemd-repart"));
    expect(made).toBeGreaterThan(0);
    expect(commands.indexOf(`${paths.markActive} /dev/vda`)).toBeGreaterThan(made);
  });

  test("makes two projects with limits and networks, and one running container each", async () => {
    const box = await divided();
    const { projects, profiles, instances, networks } = box.system.contexts;
    expect(projects.get("community")?.config).toMatchObject({
      "limits.memory": "737MiB",
      "limits.processes": "5887",
      restricted: "true",
      "restricted.networks.access": "cbox-community",
      "restricted.containers.privilege": "isolated",
    });
    expect(profiles.get("community")?.config).toMatchObject({
      "limits.cpu": "1-1",
      "limits.cpu.allowance": "50%",
      "security.idmap.isolated": "true",
      "security.nesting": "true",
    });
    expect(profiles.get("owner")?.config).toMatchObject({
      "limits.cpu": "0-1",
      "limits.cpu.allowance": "100%",
    });
    expect(profiles.get("owner")?.config).not.toHaveProperty("security.nesting");
    expect([...instances.keys()]).toEqual(["owner/owner", "community/community"]);
    expect([...instances.values()].map(({ status }) => status)).toEqual(["Running", "Running"]);
    expect([...networks.keys()]).toEqual(["cbox-owner", "cbox-community"]);
    expect(await contexts.verify({}, toolsFor(box))).toEqual([]);
  });

  test("starts the unit that shuts the contexts down cleanly when the box stops, before the first restart, too", async () => {
    expect((await divided()).system.running.has("incus-startup.service")).toBe(true);
  });

  test("mounts the packages of the box in the containers where the box has some", async () => {
    const box = new FakeBox();
    box.files.set(`${paths.pool}/Packages`, "");
    await contexts.apply({}, toolsFor(box));
    expect(box.system.contexts.instances.get("owner/owner")?.devices.pool).toEqual({
      type: "disk",
      source: paths.pool,
      path: paths.pool,
      readonly: "true",
    });
  });

  test("makes a container again that a power cut left incomplete", async () => {
    const box = await divided();
    const half = box.system.contexts.instances.get("owner/owner")!;
    box.system.contexts.instances.set("owner/owner", { ...half, config: {}, status: "Stopped" });
    await contexts.apply({}, toolsFor(box));
    expect(box.system.commands).toContain("incus delete --force owner --project owner");
    expect(box.system.contexts.instances.get("owner/owner")?.status).toBe("Running");
  });

  test("imports a template again that may be incomplete after a power cut, and never touches a complete one", async () => {
    const box = new FakeBox();
    box.system.contexts.images.add("cbox-context-new");
    await contexts.apply({ share: "half" }, toolsFor(box));
    const about = () => box.system.commands.filter((line) => line.startsWith("incus image"));
    expect(about().map((line) => line.replace(/ \S+\/(\S+)/g, " $1"))).toEqual([
      "incus image delete cbox-context-new",
      "incus image import metadata.tar rootfs.squashfs --alias cbox-context-new",
      "incus image alias rename cbox-context-new cbox-context",
    ]);
    const before = about().length;
    await contexts.apply({ share: "half" }, toolsFor(box));
    expect(about()).toHaveLength(before);
  });

  test("makes a pool again that a power cut left incomplete, and never touches a complete one", async () => {
    const box = await divided();
    const { pools } = box.system.contexts;
    box.system.commands.length = 0;
    await contexts.apply({}, toolsFor(box));
    expect(box.system.commands.filter((line) => line.startsWith("incus storage"))).toEqual([]);
    pools.set("cbox-community", { status: "Pending" });
    await contexts.apply({}, toolsFor(box));
    expect(box.system.commands).toContain("incus storage delete cbox-community");
    expect(box.system.commands).not.toContain("incus storage delete cbox-owner");
    expect(pools.get("cbox-community")?.status).toBe("Created");
  });

  test.each([6.1, 7, 8])("makes the contexts on a small disk of %s GB, with every share", async (gib) => {
    for (const share of ["little", "half", "most"]) {
      const box = new FakeBox();
      box.system.contexts.shrinkDisk(gib);
      await contexts.apply({ share }, toolsFor(box));
      expect(await contexts.verify({ share }, toolsFor(box)), share).toEqual([]);
      expect(box.system.contexts.instances.size, share).toBe(2);
    }
  });

  test("changes the sizes to another share, and never assigns more than the box has", async () => {
    const box = await divided({ share: "little" });
    for (const share of ["most", "little", "half"]) {
      await contexts.apply({ share }, toolsFor(box));
      expect(await contexts.verify({}, toolsFor(box))).toEqual([]);
      const { limits } = { limits: box.system.contexts.projects.get("community")?.config };
      expect(box.system.contexts.instances.get("community/community")?.config["limits.memory"]).toBe(
        limits?.["limits.memory"],
      );
    }
  });

  test("is undone by a reset, which keeps the instances when data is to be kept and removes all otherwise", async () => {
    const kept = await divided();
    await contexts.reset?.(kept, IMAGE, { keepData: true, progress: () => {} });
    expect(kept.system.contexts.instances.size).toBe(2);
    expect(kept.files.has(paths.contexts)).toBe(false);
    expect(kept.system.enabled.has("incus-startup.service")).toBe(false);
    expect(kept.files.has(paths.dataMount)).toBe(true);
    const gone = await divided();
    await contexts.reset?.(gone, IMAGE, { keepData: false, progress: () => {} });
    const { instances, pools, projects, networks, acls } = gone.system.contexts;
    expect([instances, pools, projects, networks, acls].map(({ size }) => size)).toEqual([0, 0, 0, 0, 0]);
    expect(gone.files.has(paths.dataMount)).toBe(false);
  });
});

describe("the disk of a context", () => {
  const DEVICE = "/dev/disk/by-partuuid/0d1c2b3a-0000-4000-8000-000000000004";
  const MOUNT = "var-lib-incus-disks.mount";
  const about = (box: FakeBox, pattern: RegExp) =>
    box.system.commands.filter((line) => pattern.test(line)).map((line) => line.replace(/\/\S*\//g, ""));

  test("is a file on the data partition, which is formatted once and mounted before the pools are made", async () => {
    const box = await divided();
    const { commands, contexts: made } = box.system;
    expect(box.files.get(paths.dataMount)).toContain(`What=${DEVICE}\nWhere=/var/lib/incus/disks\n`);
    const order = ["incus admin waitready", "mke2fs", `systemctl start ${MOUNT}`, "incus admin init"].map(
      (start) => commands.findIndex((line) => line.startsWith(start)),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(0);
    const sizes = [...made.pools.values()].map(({ config }) => Number.parseInt(config?.size ?? "", 10));
    expect(sizes).toHaveLength(2);
    const record = await readRecord(box);
    if (!record || "none" in record) throw new Error("not divided");
    expect(record.pools).toBe("own");
    expect(sizes[0]! + sizes[1]!).toBeLessThanOrEqual(record.box.diskMib);
    expect(sizes).toEqual([record.owner.diskMib + 250, record.community.diskMib + 250]);
    await contexts.apply({}, toolsFor(box));
    expect(about(box, /^(mke2fs|wipefs)/)).toHaveLength(2);
  });

  test.each([
    ["nothing", ""],
    ["btrfs of an older set-up", "TYPE=btrfs\nLABEL=cbox\n"],
    ["a file system of somebody else", "TYPE=ext4\nLABEL=photos\n"],
  ])("is made on a wiped and formatted partition where that holds %s", async (_name, found) => {
    const box = new FakeBox();
    box.system.contexts.dataFileSystem = found;
    await contexts.apply({}, toolsFor(box));
    expect(about(box, /^(mke2fs|wipefs)/).map((line) => line.split(" ")[0])).toEqual(["wipefs", "mke2fs"]);
  });

  test("is never formatted while Incus knows a pool on it: data-partition-damaged", async () => {
    const box = await divided();
    box.system.contexts.dataFileSystem = "";
    box.system.commands.length = 0;
    expect(await failureOf(() => contexts.apply({}, toolsFor(box)))).toMatchObject({
      code: "data-partition-damaged",
      message: "The partition with the data of the contexts cannot be read.",
      found: `no file system on ${DEVICE}`,
    });
    expect(about(box, /^(mke2fs|wipefs)/)).toEqual([]);
  });

  test("gets another size with another share: the smaller disk first, and its file system before its file", async () => {
    const box = await divided({ share: "little" });
    box.system.commands.length = 0;
    await contexts.apply({ share: "most" }, toolsFor(box));
    expect(await contexts.verify({}, toolsFor(box))).toEqual([]);
    const [owner, community] = ["cbox-owner", "cbox-community"].map((name) =>
      Number.parseInt(box.system.contexts.pools.get(name)?.config?.size ?? "", 10),
    );
    expect(about(box, /^(btrfs|truncate|losetup --set)/)).toEqual([
      `btrfs filesystem resize ${owner! * 1024 ** 2} cbox-owner`,
      "btrfs filesystem sync cbox-owner",
      `truncate --size=${owner}M cbox-owner.img`,
      "losetup --set-capacity loop0",
      `truncate --size=${community}M cbox-community.img`,
      "losetup --set-capacity loop0",
    ]);
    expect(community).toBeGreaterThan(owner!);
  });

  test("is not shrunk below what it holds, and nothing is changed: no-room", async () => {
    const box = await divided({ share: "most" });
    const before = await readRecord(box);
    box.system.failing.add("btrfs");
    expect(await failureOf(() => contexts.apply({ share: "little" }, toolsFor(box)))).toMatchObject({
      code: "no-room",
      message: 'The context "community" holds more than it would get.',
      found: expect.stringContaining("btrfs: btrfs: simulated failure"),
    });
    expect(await readRecord(box)).toEqual(before);
    box.system.failing.clear();
    expect(await contexts.verify({}, toolsFor(box))).toEqual([]);
  });

  test("is refused by verify when it does not have the planned size", async () => {
    const box = await divided();
    const { pools } = box.system.contexts;
    pools.set("cbox-community", { ...pools.get("cbox-community"), config: { size: "9000MiB" } });
    expect(await failureOf(() => contexts.verify({}, toolsFor(box)))).toMatchObject({
      code: "contexts-limits",
      message: 'The disk of the context "community" has not the planned size.',
      found: "cbox-community: 9000 MiB instead of 5870 MiB",
    });
  });

  test("is one for both contexts on a box of an older image: it stays, and the status names the command to divide it", async () => {
    const box = new FakeBox();
    box.system.contexts.hasData = true;
    box.system.contexts.dataFileSystem = "TYPE=btrfs\nLABEL=cbox\n";
    box.system.contexts.pools.set("cbox", { status: "Created", config: { size: "" } });
    await contexts.apply({}, toolsFor(box));
    expect([...box.system.contexts.pools.keys()]).toEqual(["cbox"]);
    expect(about(box, /^(mke2fs|wipefs|btrfs|truncate)/)).toEqual([]);
    expect(box.system.contexts.profiles.get("owner")?.devices?.root?.pool).toBe("cbox");
    expect(await contexts.verify({}, toolsFor(box))).toEqual([]);
    for (const id of ["owner", "community"]) {
      box.files.set(`/sys/fs/cgroup/lxc.payload.${id}_${id}/memory.current`, "20971520\n");
      box.files.set(`/sys/fs/cgroup/lxc.payload.${id}_${id}/pids.current`, "9\n");
    }
    expect(await contexts.status?.(box, IMAGE)).toMatchObject({
      state: "works",
      advice: { key: "status.contexts.shared", values: { command: "sudo cbox reset --all" } },
      data: { pools: "shared" },
    });
    await contexts.reset?.(box, IMAGE, { keepData: false, progress: () => {} });
    await contexts.apply({}, toolsFor(box));
    expect([...box.system.contexts.pools.keys()]).toEqual(["cbox-owner", "cbox-community"]);
  });

  test("is a file on the root file system of a converted machine, within half of the free space", async () => {
    const box = new FakeBox();
    const image = { ...IMAGE, converted: true };
    await contexts.apply({}, toolsFor(box, image));
    expect(await contexts.verify({}, toolsFor(box, image))).toEqual([]);
    expect(about(box, /^(mke2fs|wipefs|systemd-repart)/)).toEqual([]);
    expect(box.files.has(paths.dataMount)).toBe(false);
    const sizes = [...box.system.contexts.pools.values()].map(({ config }) =>
      Number.parseInt(config?.size ?? "", 10),
    );
    expect(sizes[0]! + sizes[1]!).toBe(Math.floor((16 - 4.5) * 1024 * 0.5));
  });
});

describe("the networks of the contexts", () => {
  test("avoid a subnet that is in use, and keep the subnets that exist", async () => {
    const box = new FakeBox();
    const run = box.run.bind(box);
    box.run = async (command, args, options) =>
      command === "ip" && args.includes("route")
        ? { code: 0, stdout: JSON.stringify([{ dst: "172.31.241.0/24" }, { dst: "default" }]), stderr: "" }
        : run(command, args, options);
    expect((await chooseNetworks(box)).owner.address).toBe("172.31.242.1/24");
    box.system.contexts.networks.set("cbox-owner", { config: { "ipv4.address": "172.31.240.1/24" } });
    expect((await chooseNetworks(box)).owner.address).toBe("172.31.240.1/24");
  });

  test("separate the contexts from each other, and the community from the owner's home network", async () => {
    const networks = await chooseNetworks(new FakeBox());
    const community = rulesOf("community", networks, IMAGE);
    expect(community.egress.map(({ action, destination }) => `${action} ${destination}`)).toEqual([
      "reject 172.31.240.0/24",
      "reject 172.16.0.0/12,192.168.0.0/16,169.254.0.0/16",
    ]);
    expect(rulesOf("owner", networks, IMAGE).egress.map(({ destination }) => destination)).toEqual([
      "172.31.241.0/24",
    ]);
    expect(community.ingress).toMatchObject([{ action: "allow", source: "172.31.241.1/32" }]);
  });

  test("let the community reach its own network, wherever that is", async () => {
    const image = { ...IMAGE, community: { ...IMAGE.community, address_ranges: ["172.16.0.0/12"] } };
    const { egress } = rulesOf("community", await chooseNetworks(new FakeBox()), image);
    expect(egress[1]?.destination).toBe("192.168.0.0/16,169.254.0.0/16");
  });
});

describe("failures of the step", () => {
  test.each([
    ["is missing", undefined, "no such file"],
    ["has a name that does not exist", "config: {{nothing.here}}\n", "not defined"],
    ["is no YAML", "config: [\n", ""],
    ["says too little", "config: {}\n", "networks"],
  ])("a preseed template that %s fails with preseed-broken", async (_name, text, found) => {
    const box = new FakeBox();
    if (text === undefined) box.files.delete(paths.contextPreseed);
    else box.files.set(paths.contextPreseed, text);
    const failure = await failureOf(() => contexts.apply({}, toolsFor(box)));
    expect(failure).toMatchObject({
      code: "preseed-broken",
      message: `The settings of the contexts cannot be made from ${paths.contextPreseed}.`,
    });
    expect(failure.found).toContain(found);
    expect(box.system.contexts.projects.size).toBe(0);
  });

  test("the image's preseed is rendered without empty values", async () => {
    const box = new FakeBox();
    const run = box.run.bind(box);
    const told: string[] = [];
    box.run = (command, args, options) => {
      if (args[1] === "init") told.push(options?.input ?? "");
      return run(command, args, options);
    };
    await contexts.apply({}, toolsFor(box));
    expect(told).toHaveLength(1);
    expect(parse(told[0]!)).toMatchObject({
      storage_pools: [
        { name: "cbox-owner", config: { size: "5871MiB" } },
        { name: "cbox-community", config: { size: "5870MiB" } },
      ],
      networks: [{ name: "cbox-owner" }, { name: "cbox-community" }],
      profiles: [
        { project: "owner", devices: { root: { pool: "cbox-owner" } } },
        { project: "community", devices: { root: { pool: "cbox-community" } } },
      ],
    });
    expect(told[0]).not.toMatch(/undefined|\[object|\{\{/);
  });

  test("an image without the container template fails with template-missing", async () => {
    const box = new FakeBox();
    box.files.delete(`${paths.contextTemplate}/rootfs.squashfs`);
    expect(await failureOf(() => contexts.apply({}, toolsFor(box)))).toMatchObject({
      code: "template-missing",
      found: `no ${paths.contextTemplate}/rootfs.squashfs`,
    });
  });

  test("apply reports a disk that cannot be found, and a partition that was not made", async () => {
    const box = new FakeBox();
    const run = box.run.bind(box);
    let disk = JSON.stringify({ blockdevices: [] });
    const { none: _, ...record } = { none: 0, ...(await readRecord(await divided())) };
    box.files.set(paths.contexts, JSON.stringify(record));
    box.run = async (command, args, options) =>
      command === "lsblk" ? { code: 0, stdout: disk, stderr: "" } : run(command, args, options);
    expect((await failureOf(() => contexts.apply({}, toolsFor(box)))).code).toBe("data-disk-unknown");
    disk = JSON.stringify({
      blockdevices: [{ path: "/dev/vda", size: 9e9, children: [{ path: "/dev/vda3", mountpoints: ["/"] }] }],
    });
    expect((await failureOf(() => contexts.apply({}, toolsFor(box)))).code).toBe("data-partition-missing");
  });

  test("verify reports an unplanned limit, a stopped container, and contexts that were not made", async () => {
    const box = await divided();
    const { projects, instances } = box.system.contexts;
    const before = projects.get("community")!;
    projects.set("community", { ...before, config: { ...before.config, "limits.memory": "1MiB" } });
    expect(await failureOf(() => contexts.verify({}, toolsFor(box)))).toMatchObject({
      code: "contexts-limits",
      found: "limits.memory=1MiB",
    });
    projects.set("community", before);
    instances.get("owner/owner")!.status = "Stopped";
    expect(await failureOf(() => contexts.verify({}, toolsFor(box)))).toMatchObject({
      code: "context-silent",
      message: 'The context "owner" was started, but no command runs in it.',
      found: "it is stopped",
    });
    expect((await failureOf(() => contexts.verify({}, toolsFor(new FakeBox())))).code).toBe(
      "contexts-not-made",
    );
  });
});

describe("the status", () => {
  test("takes its numbers from the kernel, and reports a context that is down", async () => {
    const box = await divided();
    expect(await contexts.status?.(box, IMAGE)).toMatchObject({
      state: "trouble",
      advice: { key: "status.contexts.down" },
    });
    for (const id of ["owner", "community"]) {
      box.files.set(`/sys/fs/cgroup/lxc.payload.${id}_${id}/memory.current`, "20971520\n");
      box.files.set(`/sys/fs/cgroup/lxc.payload.${id}_${id}/pids.current`, "9\n");
    }
    expect(await contexts.status?.(box, IMAGE)).toMatchObject({
      state: "works",
      rows: [{ value: "20/738 MiB, 2/2 CPU, 5.5 GiB" }, { value: "20/737 MiB, 1/2 CPU, 5.5 GiB" }],
      data: { community: { running: true, use: { memoryMib: 20, processes: 9 } } },
    });
  });

  test("names the command on a box that was not divided", async () => {
    expect(await contexts.status?.(new FakeBox(), IMAGE)).toMatchObject({
      state: "off",
      advice: { values: { command: "sudo cbox contexts setup" } },
    });
  });
});

describe("cbox contexts", () => {
  async function say(box: FakeBox, line: string) {
    const printed: string[] = [];
    const opened: string[] = [];
    const code = await runContexts(line.split(" ").filter(Boolean), {
      box,
      image: IMAGE,
      t: translator("en"),
      print: (text) => void printed.push(text),
      onTerminal: async (command, args) => {
        opened.push([command, ...args].join(" "));
        return 7;
      },
    });
    return { code, printed: printed.join("\n"), opened };
  }
  const refused = (box: FakeBox, line: string) => failureOf(() => say(box, line));
  const config = (box: FakeBox, key: string) => box.system.contexts.instances.get(key)?.config;

  test("lists limits and use, for people and as JSON", async () => {
    const box = await divided();
    const { printed } = await say(box, "");
    expect(printed).toContain("host: keeps 492 MiB memory and 500 MiB of the data disk");
    expect(printed).toContain("community: 737 MiB memory, 1/2 CPU, 5620 MiB disk, 5887 PID, 7 instances");
    for (const line of printed.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(JSON.parse((await say(box, "--json")).printed)).toMatchObject({
      limits: { community: { memoryMib: 737 } },
      pools: { owner: { usedMib: 150, sizeMib: 5871 }, community: { usedMib: 150, sizeMib: 5870 } },
      instances: [
        { context: "owner", name: "owner" },
        { context: "community", memoryMib: { limit: 737 } },
      ],
    });
  });

  test("takes the size of a sliver from the community's container, and gives it back", async () => {
    const box = await divided();
    expect((await say(box, "sliver create web --memory 200 --disk 2")).printed).toContain(
      "The sliver web runs",
    );
    expect(config(box, "community/web")).toMatchObject({
      "limits.memory": "200MiB",
      "limits.processes": "200",
    });
    expect(config(box, "community/community")?.["limits.memory"]).toBe("537MiB");
    expect((await say(box, "sliver list")).printed).toContain("web");
    expect((await say(box, "sliver enter web id -u")).opened).toEqual([
      "incus exec web --project community -- id -u",
    ]);
    await say(box, "sliver remove web");
    expect(config(box, "community/community")?.["limits.memory"]).toBe("737MiB");
    expect((await say(box, "slivers")).printed).toContain("No slivers (small containers) yet");
  });

  test.each([
    ["sliver create web", "cbox-context", "container"],
    ["sliver create masia --image community-box", "community-box", "container"],
  ])("%s makes an instance of the image %s", async (line, alias, type) => {
    const box = await divided();
    box.system.contexts.images.add("community-box");
    await say(box, line);
    const made = box.system.commands.filter((each) => each.includes("--request POST")).at(-1);
    expect(made).toContain(`"source":{"type":"image","alias":"${alias}","project":"default"}`);
    expect(made).toContain(`"type":"${type}"`);
  });

  test.each([
    ["sliver create web --memory 700", "no-room", "memory: 37 MiB would be left"],
    ["sliver create web --disk 9", "no-room", "disk: 0 MiB would be left"],
    ["sliver create Web", "sliver-name", "Web"],
    ["sliver create ../etc", "sliver-name", "../etc"],
    ["sliver create community", "sliver-name", "community"],
    ["sliver create web --memory much", "amount-invalid", "much"],
    ["sliver remove web", "sliver-unknown", "no slivers"],
    ["sliver enter web", "sliver-unknown", "no slivers"],
    ["sliver create web --vm", "vm-impossible", "VT-x"],
    ["resize owner --memory 500", "owner-gets-the-rest", ""],
    ["resize comunity --memory 500", "unknown-context", "owner, community"],
    ["resize community --memory 5000", "amount-invalid", "5000"],
    ["resize community --cpus 3", "amount-invalid", "3"],
    ["enter", "unknown-context", "owner, community"],
    ["enter commons", "unknown-context", "owner, community"],
    ["frobnicate", "unknown-command", ""],
    ["sliver frobnicate", "unknown-command", ""],
  ])("%s is refused with %s", async (line, code, found) => {
    const box = await divided();
    const before = JSON.stringify([...box.system.contexts.instances]);
    const failure = await refused(box, line);
    expect(failure.code).toBe(code);
    expect(failure.found ?? "").toContain(found);
    expect(JSON.stringify([...box.system.contexts.instances])).toBe(before);
  });

  test("refuses a name that exists, and one instance too many", async () => {
    const box = await divided({ share: "exact", instances: 2 });
    await say(box, "sliver create web");
    expect((await refused(box, "sliver create web")).code).toBe("sliver-exists");
    expect(await refused(box, "sliver create two")).toMatchObject({
      code: "no-room",
      found: "2 of 2 containers",
    });
  });

  test("removes a sliver that does not start", async () => {
    const box = await divided();
    const run = box.run.bind(box);
    box.run = async (command, args, options) =>
      args[0] === "start" ? { code: 1, stdout: "", stderr: "no" } : run(command, args, options);
    expect((await refused(box, "sliver create web")).code).toBe("command-failed");
    expect([...box.system.contexts.instances.keys()]).toEqual(["owner/owner", "community/community"]);
    expect(config(box, "community/community")?.["limits.memory"]).toBe("737MiB");
  });

  test("resize moves memory between owner and community, and records it", async () => {
    const box = await divided();
    await say(box, "resize community --memory 1000 --cpus 2");
    expect(await readRecord(box)).toMatchObject({
      community: { memoryMib: 1000, cpus: 2 },
      owner: { memoryMib: 475 },
    });
    expect(config(box, "community/community")?.["limits.memory"]).toBe("1000MiB");
    expect(config(box, "owner/owner")?.["limits.memory"]).toBe("475MiB");
    expect(box.system.contexts.profiles.get("community")?.config?.["limits.cpu"]).toBe("0-1");
    await say(box, "sliver create web --memory 300");
    expect(await refused(box, "resize community --memory 400")).toMatchObject({ code: "no-room" });
    await say(box, "resize community --memory 500");
    expect(config(box, "community/community")?.["limits.memory"]).toBe("200MiB");
  });

  test("enter opens a login shell or runs a command, and passes its exit code on", async () => {
    const box = await divided();
    expect(await say(box, "enter owner")).toMatchObject({
      code: 7,
      opened: ["incus exec owner --project owner -- bash --login"],
    });
    expect((await say(box, "enter community -- ls -l")).opened).toEqual([
      "incus exec community --project community -- ls -l",
    ]);
  });

  test("refuses every command without contexts: contexts-off", async () => {
    for (const line of ["", "enter owner", "sliver list", "resize community"])
      expect((await refused(new FakeBox(), line)).code).toBe("contexts-off");
  });
});

describe("virtual machines", () => {
  const with_ = (codes: Record<string, number>) => {
    const box = new FakeBox();
    box.files.set("/proc/cpuinfo", "processor : 0\nflags : fpu vmx sse\n");
    box.files.set("/dev/kvm", "");
    const run = box.run.bind(box);
    box.run = async (command, args, options) =>
      command in codes ? { code: codes[command]!, stdout: "", stderr: "" } : run(command, args, options);
    return box;
  };
  const works = { "qemu-system-x86_64": 0, sh: 0, timeout: 0x21 };

  test("run only where a guest has been seen to run", async () => {
    expect(await vmObstacle(with_(works), "amd64", 512)).toBeUndefined();
    expect(await vmObstacle(with_({ ...works, timeout: 124 }), "amd64", 512)).toBe("kvm-broken");
  });

  test("are refused with the reason", async () => {
    const noFlag = with_(works);
    noFlag.files.set("/proc/cpuinfo", "processor : 0\nflags : fpu sse vmxoff\n");
    const noDevice = with_(works);
    noDevice.files.delete("/dev/kvm");
    expect(await vmObstacle(noFlag, "amd64", 512)).toBe("processor");
    expect(await vmObstacle(noDevice, "amd64", 512)).toBe("kvm");
    expect(await vmObstacle(with_({ ...works, "qemu-system-x86_64": 127 }), "amd64", 512)).toBe("qemu");
    expect(await vmObstacle(with_(works), "amd64", 511)).toBe("memory");
    expect(await vmObstacle(with_(works), "armhf", 512)).toBe("qemu");
  });
});
