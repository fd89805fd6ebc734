// SPDX-License-Identifier: GPL-3.0-or-later
// The contexts of a box, from inside: commands in them, their values in the kernel, and their costs.
import type { Box } from "./harness.ts";

const MIB = 1024 * 1024;
/** Starting a container on an emulated processor. */
const LONG = { timeoutMs: 300_000 };
/** Where the file system of a context's own storage pool is mounted on the box. */
const poolOf = (id: string) => `/var/lib/incus/storage-pools/cbox-${id}`;
/** Turns taken by each side of a comparison; an odd number, since the middle one counts. */
const TURNS = 5;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Text as one word of a POSIX shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs a shell command in a context. */
export function inside(box: Box, id: string, command: string): Promise<Answer> {
  return box.shell(`incus exec ${id} --project ${id} -- sh -c ${quoted(command)}`, LONG);
}

/** The same for one that has to succeed: what it prints, trimmed. */
export async function say(box: Box, id: string, command: string): Promise<string> {
  const { code, stdout, stderr } = await inside(box, id, command);
  if (code !== 0) throw new Error(`in ${id}, code ${code}: ${command}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** A file of the control group that holds an instance; a context's container is called like the context. */
export async function kernel(box: Box, context: string, file: string, instance = context): Promise<string> {
  return (await box.ask(`cat /sys/fs/cgroup/lxc.payload.${context}_${instance}/${file}`)).trim();
}

/** Waits until so many instances run: after a restart Incus starts them one by one, when the rest of the box is up. */
export async function allRun(box: Box, count: number): Promise<void> {
  const running = "incus list --all-projects --format csv --columns s | grep -c RUNNING";
  const wait = `for i in $(seq 300); do [ "$(${running})" = ${count} ] && exit 0; sleep 1; done; exit 1`;
  await box.ask(wait, { timeoutMs: 600_000 });
}

/** What a context uses, in MiB. */
export async function memoryOf(box: Box, id: string): Promise<number> {
  return Math.round(Number(await kernel(box, id, "memory.current")) / MIB);
}

/** Makes one more sliver: the seconds it takes and the MiB it adds to the disk. */
export async function makeSliver(box: Box, name: string): Promise<{ seconds: number; mib: number }> {
  const pool = poolOf("community");
  const used = async () => {
    await box.ask(`sync; btrfs filesystem sync ${pool}`, LONG);
    return Number(
      await box.ask(`btrfs filesystem usage -b ${pool} 2>/dev/null | awk '$1 == "Used:" { print $2; exit }'`),
    );
  };
  const before = await used();
  const start = performance.now();
  await box.ask(`cbox contexts sliver create ${name} --memory 96 --disk 1`, LONG);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, mib: ((await used()) - before) / MIB };
}

/** The MiB of the disk that a context sees as its own. */
export async function diskMib(box: Box, id: string): Promise<number> {
  return Number.parseInt(await say(box, id, "df --block-size=1M --output=size / | tail -n 1"), 10);
}

/** Puts `btrfs` with its libraries into a context, which has none; resolves to the command there. */
export async function bringBtrfs(box: Box, id: string): Promise<string> {
  await box.ask(
    "mkdir -p /tmp/tools && cp $(command -v btrfs) $(ldd $(command -v btrfs) | grep -o '/[^ ]*') /tmp/tools/ && " +
      `tar -C /tmp -c tools | incus exec ${id} --project ${id} -- tar -x -C /opt`,
    LONG,
  );
  return "env LD_LIBRARY_PATH=/opt/tools /opt/tools/btrfs";
}

/** How fast the owner's context counts, as a part of what the box itself does. */
export function processorRatio(box: Box): Promise<number> {
  const work = "head -c 100M /dev/zero | sha256sum >/dev/null";
  return ratio(box, work, work);
}

/** How fast the owner's context writes to the disk, as a part of what the box does on the same file system. */
export async function fileSystemRatio(box: Box): Promise<number> {
  const pool = poolOf("owner");
  const work = (folder: string) =>
    `cat ${folder}/seed ${folder}/seed > ${folder}/copy; sync ${folder}/copy; rm ${folder}/copy`;
  await box.ask(`head -c 32M /dev/urandom > ${pool}/seed`, LONG);
  await say(box, "owner", "head -c 32M /dev/urandom > /root/seed");
  const result = await ratio(box, work(pool), work("/root"));
  await box.ask(`rm ${pool}/seed`);
  await say(box, "owner", "rm /root/seed");
  return result;
}

/** The middle of five turns each, taken by turns, so that a busy moment of the machine meets both. */
async function ratio(box: Box, outside: string, within: string): Promise<number> {
  // By the clock of the place where the work is done: the way there is not part of it.
  const clocked = (work: string) => `s=$(date +%s%N); ${work}; e=$(date +%s%N); echo $((e - s))`;
  const turns: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn += 1) {
    turns[0].push(Number(await box.ask(`sh -c ${quoted(clocked(outside))}`, LONG)));
    turns[1].push(Number(await say(box, "owner", clocked(within))));
  }
  const [outer, inner] = turns.map((times) => [...times].sort((a, b) => a - b)[(TURNS - 1) / 2]!);
  return outer! / inner!;
}
