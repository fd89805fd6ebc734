// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a unit of a box that has no systemd: its ExecStartPre and ExecStart, under its User, with its EnvironmentFile,
// StateDirectory and LoadCredential, as the unit and its drop-ins say. And asks systemd's own programs what they think of it.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { runOrFail } from "../../firstboot/host/box.ts";
import type { ChrootBox } from "./chroot-box.ts";

const DIRECTORIES = ["/usr/lib/systemd/system", "/etc/systemd/system"];

const PARENTS = { StateDirectory: "/var/lib", CacheDirectory: "/var/cache", RuntimeDirectory: "/run" };

type Settings = ReadonlyMap<string, readonly string[]>;

/** Ends with its process; what it starts is in processes and mounts of its own. */
export async function startUnit(box: ChrootBox, unit: string): Promise<ChildProcess> {
  const settings = await readUnit(box, unit);
  const user = settings.get("User")?.at(-1) ?? "root";
  for (const [setting, parent] of Object.entries(PARENTS)) {
    for (const name of settings.get(setting)?.flatMap((line) => line.split(" ")) ?? [])
      await runOrFail(box, "install", ["-d", "-m", "0750", "-o", user, "-g", user, `${parent}/${name}`]);
  }
  // With a hyphen before it, systemd reads the file only where there is one.
  const files = (settings.get("EnvironmentFile") ?? []).map((file) =>
    file.startsWith("-") ? `[ ! -e ${file.slice(1)} ] || . ${file.slice(1)}` : `. ${file}`,
  );
  const commands = settings.get("ExecStart") ?? [];
  expect(commands, `one ExecStart of ${unit}`).toHaveLength(1);
  const rights = (settings.get("AmbientCapabilities") ?? []).map(
    (name) => `+${name.replace("CAP_", "").toLowerCase()}`,
  );
  const kept = rights.length
    ? ["--inh-caps", "--ambient-caps"].map((option) => `${option} ${rights.join(",")}`)
    : [];
  const as = ["setpriv", "--reuid", user, "--regid", user, "--init-groups", ...kept];
  const before = (settings.get("ExecStartPre") ?? []).map((line) => {
    const [, marks = "", command = ""] = /^([-+]*)(.*)$/s.exec(line) ?? [];
    const run = [...(marks.includes("+") ? [] : [...as, "--"]), command].join(" ");
    return marks.includes("-") ? `${run} || true` : run;
  });
  const credentials = `/run/credentials/${unit}`;
  const script = [
    `exec >>${logOf(unit)} 2>&1`,
    "set -a",
    `USER=${user} LOGNAME=${user} HOME=$(getent passwd ${user} | cut -d: -f6)`,
    ...files,
    ...before,
    ...loadCredentials(settings.get("LoadCredential") ?? [], credentials, user),
    `exec ${[...as, "--", commands[0]].join(" ").replaceAll("%d", credentials)}`,
  ].join("\n");
  return box.start(["sh", "-euc", script]);
}

/** Copies for this user alone. A folder gives one for each of its files: ID_NAME. */
function loadCredentials(lines: readonly string[], directory: string, user: string): string[] {
  if (lines.length === 0) return [];
  const copies = lines.map((line) => {
    const [, id = "", path = ""] = /^([^:]+):(.+)$/.exec(line) ?? [];
    const each = `for file in ${path}/*; do [ ! -f "$file" ] || cp "$file" "${directory}/${id}_${"$"}{file##*/}"; done`;
    return `if [ -d ${path} ]; then ${each}; else cp ${path} ${directory}/${id}; fi`;
  });
  return [
    `rm -rf ${directory}; install -d -m 0700 ${directory}`,
    ...copies,
    `chown -R ${user} ${directory}; chmod -R u=rX,go= ${directory}`,
  ];
}

/** What it has said so far, in the box. */
export const logOf = (unit: string) => `/var/log/${unit}.log`;

/** What systemd starts with it. */
export async function requiredBy(box: ChrootBox, unit: string): Promise<readonly string[]> {
  return (await readUnit(box, unit)).get("Requires") ?? [];
}

/** Nothing in it that systemd does not know, and locked up as the catalogue wants it. */
export async function expectSandboxed(box: ChrootBox, unit: string): Promise<void> {
  const verified = await box.run("systemd-analyze", ["verify", "--man=no", unit]);
  const own = verified.stderr.split("\n").filter((line) => line.includes(unit.replace(/\..*/, "")));
  expect(own, `systemd-analyze verify ${unit}`).toEqual([]);
  const { stdout } = await box.run("systemd-analyze", ["security", "--offline=yes", "--no-pager", unit]);
  const exposure = Number(/Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1] ?? 10);
  // 10 is a unit that says nothing; 4 and less systemd calls "OK".
  expect(exposure, stdout).toBeLessThan(4);
}

/** An empty value takes back what was said before, as systemd has it. */
async function readUnit(box: ChrootBox, unit: string): Promise<Settings> {
  const settings = new Map<string, string[]>();
  for (const text of await textsOf(box, unit)) {
    for (const line of text.split("\n")) {
      const [, name = "", value = ""] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      if (name) settings.set(name, value === "" ? [] : [...(settings.get(name) ?? []), value]);
    }
  }
  return settings;
}

async function textsOf(box: ChrootBox, unit: string): Promise<string[]> {
  const paths: string[] = [];
  for (const directory of DIRECTORIES) {
    if (await box.exists(`${directory}/${unit}`)) paths.push(`${directory}/${unit}`);
  }
  for (const directory of DIRECTORIES) {
    for (const name of await box.list(`${directory}/${unit}.d`)) paths.push(`${directory}/${unit}.d/${name}`);
  }
  const texts = await Promise.all(paths.map((path) => box.readFile(path)));
  return texts.filter((text) => text !== undefined);
}

/** Ends what {@link startUnit} has started, as systemd does: all that belongs to the unit, then what holds its namespaces. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  for (const pid of programsOf(child.pid ?? 0)) terminate(pid);
  await Promise.race([ended, delay(20_000)]);
  child.kill("SIGKILL");
  await ended;
}

const HOLDERS = new Set(["ip", "unshare", "sh"]);

/** A program that was told first may have ended the next one by itself. */
function terminate(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function programsOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  const children = readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
  const isHolder = HOLDERS.has(readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  return [...(isHolder ? [] : [pid]), ...children.flatMap(programsOf)];
}
