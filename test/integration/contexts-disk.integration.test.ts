// SPDX-License-Identifier: GPL-3.0-or-later
// The disk of a context, by the release's own Incus and btrfs: what the root of a container makes in it, plain files and
// snapshots, ends at its size, and the other context writes on. Incus runs from the base layer in namespaces of its own,
// without a network; no container is started. Needs root, loop devices and a kernel with btrfs.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { mountData } from "../../firstboot/contexts/data-partition.ts";
import { CONTEXTS, type ContextId, poolOf } from "../../firstboot/contexts/names.ts";
import { LEAST } from "../../firstboot/contexts/plan.ts";
import {
  growPools,
  missingPools,
  POOL_FILES,
  poolMib,
  readPools,
  readPoolUse,
  shrinkPools,
} from "../../firstboot/contexts/pools.ts";
import { renderPreseed } from "../../firstboot/contexts/preseed.ts";
import type { Box, RunOptions, RunResult } from "../../firstboot/host/box.ts";
import { linuxBox } from "../../firstboot/host/linux.ts";
import { paths } from "../../firstboot/host/paths.ts";
import { cacheDir } from "../../image/cache/directory.ts";
import { OVERLAYS } from "../../image/host/paths.ts";
import { createSession } from "../../image/host/session.ts";
import { base } from "../../image/stages/base.ts";
import { writeIncusMetadata } from "../../image/stages/incus-metadata.ts";
import { resolve } from "../../image/stages/resolve.ts";
import { openWorkspace } from "../../image/stages/workspace.ts";
import { failureOf } from "../failure-of.ts";

const MIB = 1024 * 1024;
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/incus";
const SHARES = { owner: { diskMib: 300 }, community: { diskMib: 400 } };
/** The root of an unprivileged container, as the box sees it. */
const MAPPED = 1_000_000;

const work = join(cacheDir(), "work", "contexts-disk");
const disk = join(work, "data.img");

let host: ChildProcess;
let device: string;
let box: Box;
/** Commands that make a file system. */
const formatted: string[] = [];

// $1: the base layer, $2: the directory of this test. The shell stays as the first process. A chroot would not do: Incus
// moves mounts about.
const ENTER = `
mount --make-rprivate /
mkdir -p "$2/upper" "$2/overlay" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/overlay" "$2/root"
cd "$2/root"
mkdir -p work
mount --bind "$2" work
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p run/udev var/lib/incus
ip link set lo up
pivot_root . mnt
umount -l /mnt
echo ready
cat
`;

beforeAll(async () => {
  clean();
  const session = createSession({ logDirectory: join(cacheDir(), "log", "contexts-disk") });
  const workspace = openWorkspace({ session });
  const plan = await resolve("vm-amd64", { community: "guifi" });
  const { release, architecture } = plan.profile;
  const layer = await base(workspace, plan, await workspace.packages(release, architecture, ["base"]));
  mkdirSync(work, { recursive: true });
  writeFileSync(disk, "");
  truncateSync(disk, 1400 * MIB);
  device = execFileSync("losetup", ["--find", "--show", disk], { encoding: "utf8" }).trim();

  host = spawn(
    "unshare",
    [
      ...["--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"],
      ...["sh", "-euc", ENTER, "box", layer.root, work],
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  await new Promise<void>((ready, failed) => {
    host.stdout?.once("data", () => ready());
    host.once("exit", (code) => failed(new Error(`the namespaces ended with ${code}`)));
  });
  const [inner = ""] = readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, "utf8").split(" ");
  box = namespaceBox(inner);
  await box.writeFile(
    paths.contextPreseed,
    readFileSync(join(OVERLAYS, "base/files", paths.contextPreseed), "utf8"),
  );
  await makeTemplate();
  await startIncus();
});

afterAll(() => {
  host?.kill("SIGKILL");
  clean();
});

function clean(): void {
  // What the namespaces had mounted is gone with them, and Incus's loop devices are; that of the disk is this test's.
  if (device) execFileSync("losetup", ["--detach", device]);
  rmSync(work, { recursive: true, force: true });
}

/** Commands in the namespaces of the process, files by its root. There is no systemd: a mount unit is mounted here. */
function namespaceBox(process: string): Box {
  const root = `/proc/${process}/root`;
  const enter = ["--target", process, "--mount", "--pid", "--net", "--uts", "--ipc", "--"];
  const run = (command: string, args: readonly string[], { input = "" }: RunOptions = {}) =>
    new Promise<RunResult>((done) => {
      const child = spawn("nsenter", [...enter, "env", "-i", `PATH=${PATH}`, "HOME=/root", command, ...args]);
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.on("close", (code) => done({ code: code ?? 124, stdout, stderr }));
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });
  const files = linuxBox({ root });
  return {
    ...files,
    async run(command, args, options) {
      if (command === "mke2fs") formatted.push([command, ...args].join(" "));
      if (command !== "systemctl") return run(command, args, options);
      if (args[0] !== "start" || (await run("mountpoint", ["-q", POOL_FILES])).code === 0)
        return { code: 0, stdout: "", stderr: "" };
      const unit = (await files.readFile(paths.dataMount)) ?? "";
      const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? "";
      return run("mount", ["-t", value("Type"), "-o", value("Options"), value("What"), value("Where")]);
    },
  };
}

async function ask(command: string): Promise<string> {
  const { code, stdout, stderr } = await box.run("sh", ["-c", command]);
  if (code !== 0) throw new Error(`code ${code}: ${command}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** As the root of the community's container. */
const asRoot = (command: string) =>
  box.run("setpriv", [
    ...[
      `--reuid=${MAPPED}`,
      `--regid=${MAPPED}`,
      "--clear-groups",
      "sh",
      "-c",
      `cd ${rootOf("community")} && ${command}`,
    ],
  ]);

const mountOf = (id: ContextId) => `/var/lib/incus/storage-pools/${poolOf(id)}`;
const rootOf = (id: ContextId) => `${mountOf(id)}/containers/${id}/rootfs`;
const sizes = () => Promise.all(CONTEXTS.map(async (id) => (await readPoolUse(box, id))?.sizeMib));
const fileSizes = async () =>
  (await ask(`stat -c %s ${CONTEXTS.map((id) => `${POOL_FILES}/${poolOf(id)}.img`).join(" ")}`))
    .split("\n")
    .map((bytes) => Number(bytes) / MIB);

/** An image with nothing but a file of 40 MiB; its containers are made and never started. */
async function makeTemplate(): Promise<void> {
  const parts = join(work, "template");
  await writeIncusMetadata(parts, {
    ...{
      release: "test",
      architecture: "amd64",
      machine: "x86_64",
      epoch: 1_700_000_000,
      description: "test",
      templates: {},
    },
  });
  await ask(
    "cd /work && mkdir -p tree/root && head -c 40M /dev/urandom >tree/root/file && " +
      "mksquashfs tree rootfs.squashfs -quiet -no-progress >/dev/null && tar -cf metadata.tar -C template metadata.yaml",
  );
}

async function startIncus(): Promise<void> {
  await ask("incusd --group root >/tmp/incus.log 2>&1 </dev/null & incus admin waitready --timeout=600");
}

async function stopIncus(): Promise<void> {
  await ask("pkill -x incusd; while pgrep -x incusd >/dev/null; do sleep 0.1; done");
}

it("each context gets a btrfs of its own in a file on the data partition, by the preseed of the set-up", async () => {
  await mountData(box, device, false);
  expect(formatted).toHaveLength(1);
  await mountData(box, device, true);
  expect(formatted).toHaveLength(1);
  expect(await ask(`stat -c %a ${POOL_FILES}`)).toBe("700");

  expect(await readPools(box)).toBe("own");
  const pools = await missingPools(box, SHARES);
  const contexts = CONTEXTS.map((id) => ({
    ...{ id, poolName: poolOf(id), description: id, cpuSet: "0-0", cpuPercent: 50, nesting: false },
    limits: { ...LEAST, ...SHARES[id] },
    network: { name: `cbox-${id}`, address: "172.31.240.1/24", gateway: "172.31.240.1" },
  }));
  const preseed = parse(await renderPreseed(box, { pools, contexts, filters: {} })) as {
    storage_pools: object;
  };
  const told = stringify({ storage_pools: preseed.storage_pools });
  const { code, stderr } = await box.run("incus", ["admin", "init", "--preseed"], { input: told });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(await missingPools(box, SHARES)).toEqual([]);
  expect(await sizes()).toEqual([poolMib(SHARES.owner), poolMib(SHARES.community)]);

  await ask("cd /work && incus image import metadata.tar rootfs.squashfs --alias template");
  for (const id of CONTEXTS) {
    await ask(`incus init template ${id} --storage ${poolOf(id)} </dev/null`);
    await ask(`chown -R ${MAPPED}:${MAPPED} ${rootOf(id)}`);
  }
  // Its own user alone may pass on a box, too, but there it comes from inside.
  await ask(`chmod 711 /var/lib/incus /var/lib/incus/storage-pools; chmod 711 ${mountOf("community")}`);
  await ask(`chmod 711 ${mountOf("community")}/containers ${mountOf("community")}/containers/community`);
});

it("another instance is a snapshot of the template in that pool", async () => {
  const used = async () => {
    await ask(`btrfs filesystem sync ${mountOf("community")}`);
    return Number(
      await ask(`btrfs filesystem usage -b ${mountOf("community")} | awk '$1 == "Used:" { print $2; exit }'`),
    );
  };
  const before = await used();
  await ask(`incus init template sliver --storage ${poolOf("community")} </dev/null`);
  expect(((await used()) - before) / MIB).toBeLessThan(5);
  await ask("incus delete sliver");
});

it("files and snapshots of a container's root are limited by its disk, and the other context still writes", async () => {
  const { stdout, stderr } = await asRoot(
    "btrfs subvolume create own >/dev/null && n=0; while [ $n -lt 40 ] && head -c 50M /dev/urandom >own/fill && " +
      "btrfs subvolume snapshot own own-$n >/dev/null; do n=$((n + 1)); done; echo made $n",
  );
  expect(stderr).toContain("No space left on device");
  const madeMib = 50 * Number(/made (\d+)/.exec(stdout)?.[1]);
  expect(madeMib).toBeGreaterThan(200);
  expect(madeMib).toBeLessThan(poolMib(SHARES.community));
  // Nothing of it is in the quota group of the container's own subvolume, and all of it in what is told.
  expect((await readPoolUse(box, "community"))?.usedMib).toBeGreaterThan(madeMib);
  expect((await readPoolUse(box, "owner"))?.usedMib).toBeLessThan(100);
  const blocks = Number(await ask(`stat -c %b ${POOL_FILES}/${poolOf("community")}.img`)) * 512;
  expect(blocks).toBeLessThanOrEqual(poolMib(SHARES.community) * MIB);
  await ask(`head -c 60M /dev/urandom >${rootOf("owner")}/work && sync -f ${rootOf("owner")}`);
});

it("a disk is not shrunk below what it holds, and nothing is changed: no-room", async () => {
  const before = [await sizes(), await fileSizes()];
  const less = { owner: { diskMib: 600 }, community: { diskMib: 100 } };
  expect(await failureOf(() => shrinkPools(box, less))).toMatchObject({
    code: "no-room",
    message: 'The context "community" holds more than it would get.',
    found: expect.stringContaining("No space left on device"),
  });
  expect([await sizes(), await fileSizes()]).toEqual(before);
  expect((await asRoot("btrfs subvolume delete own own-* >/dev/null")).code).toBe(0);
  await ask(`btrfs subvolume sync ${mountOf("community")}`);
});

it("both disks can be resized in use, and have the same sizes after a restart", async () => {
  const other = { owner: { diskMib: 450 }, community: { diskMib: 250 } };
  await shrinkPools(box, other);
  await growPools(box, other);
  const expected = [poolMib(other.owner), poolMib(other.community)];
  expect(await sizes()).toEqual(expected);
  expect(await fileSizes()).toEqual(expected);
  const sum = `sha256sum ${rootOf("owner")}/work`;
  const before = await ask(sum);
  await stopIncus();
  await ask(`umount ${mountOf("owner")} ${mountOf("community")}`);
  await startIncus();
  expect(await sizes()).toEqual(expected);
  expect(await ask(sum)).toBe(before);
});

it("an interrupted resize is completed by the next one", async () => {
  const target = { owner: { diskMib: 300 }, community: { diskMib: 400 } };
  const [owner, community] = [poolMib(target.owner), poolMib(target.community)];
  // After the first effect of each.
  await ask(`btrfs filesystem resize ${owner * MIB} ${mountOf("owner")}`);
  await ask(`truncate --size=${community}M ${POOL_FILES}/${poolOf("community")}.img`);
  await ask(
    `losetup --set-capacity $(losetup --noheadings --output=NAME --associated=${POOL_FILES}/${poolOf("community")}.img)`,
  );
  await shrinkPools(box, target);
  await growPools(box, target);
  expect(await sizes()).toEqual([owner, community]);
  expect(await fileSizes()).toEqual([owner, community]);
});
