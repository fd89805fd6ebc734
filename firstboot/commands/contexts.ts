// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox contexts`: the contexts and their use, the community's size, a shell inside, and slivers. `incus` works in
// parallel; these commands take the whole division into account.

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import { jsonLines, say, sayLines } from "../../common/say.ts";
import { wrap } from "../console/ascii.ts";
import { partOf } from "../contexts/capacity.ts";
import { type Instance, instancesOf } from "../contexts/incus.ts";
import { CONTEXTS, type ContextId, isContextId } from "../contexts/names.ts";
import { type Amount, bounds, LEAST_INSTANCE, planContexts } from "../contexts/plan.ts";
import { readPoolUse, SEPARATE } from "../contexts/pools.ts";
import { readRecord, writeRecord } from "../contexts/record.ts";
import { type Division, divide, finishDivision } from "../contexts/set-up.ts";
import { createSliver, findSliver, removeSliver, slivers } from "../contexts/slivers.ts";
import { VM_MEMORY_MIB, vmObstacle } from "../contexts/vm.ts";
import type { Box } from "../host/box.ts";
import { errorText } from "../host/error-text.ts";
import { sayFound } from "../host/found-text.ts";
import { type ImageInfo, readImageInfo } from "../host/image-info.ts";
import { boxLanguage } from "../host/language.ts";
import { linuxBox } from "../host/linux.ts";
import { alone } from "../host/lock.ts";
import { readChoices } from "../host/owner-settings.ts";
import { translator } from "../i18n/translate.ts";
import { contexts as step } from "../steps/contexts/index.ts";
import type { ContextsTools } from "./contexts-tools.ts";
import { walls } from "./contexts-walls.ts";
import { usageText } from "./help.ts";
import { needRoot } from "./root.ts";
import { stepStatus } from "./status.ts";

interface Options {
  readonly json?: boolean;
  readonly memory?: string;
  readonly cpus?: string;
  readonly disk?: string;
  readonly processes?: string;
  readonly instances?: string;
  readonly vm?: boolean;
  readonly image?: string;
}

const WIDTH = 80;

export const USAGE = `usage: cbox contexts [list] [--json]
       cbox contexts resize community [--memory MIB] [--cpus N] [--disk GIB] [--processes N] [--instances N]
       cbox contexts enter owner|community [COMMAND ...]
       cbox contexts sliver create NAME [--memory MIB] [--disk GIB] [--processes N] [--image IMAGE] [--vm]
       cbox contexts sliver list [--json]
       cbox contexts sliver enter NAME [COMMAND ...]
       cbox contexts sliver remove NAME
       cbox contexts walls [list] [--json]
       cbox contexts walls open|close NETWORK
       cbox contexts walls forward on|off
       cbox contexts setup
`;

export async function contexts(args: readonly string[]): Promise<void> {
  const [verb = "list"] = args;
  if (["help", "--help", "-h"].includes(verb))
    return sayLines(usageText(USAGE, translator(await boxLanguage())));
  const box = linuxBox();
  // The kernel's figures are readable by everyone; Incus only by root.
  if (process.getuid?.() !== 0 && (verb === "list" || verb.startsWith("-"))) {
    return stepStatus(
      step,
      args.filter((word) => word !== "list"),
    );
  }
  needRoot(["cbox contexts", ...args].join(" "));
  const image = await readImageInfo(box);
  const { language = image.community.default_language } = await readChoices(box);
  const run = () => runContexts(args, { box, image, t: translator(language), print: say, onTerminal });
  process.exitCode = await (isChange(args) ? alone(run) : run());
}

function isChange([verb = "", act = ""]: readonly string[]): boolean {
  if (verb === "walls") return act !== "" && act !== "list" && !act.startsWith("-");
  return verb === "resize" || (/^slivers?$/.test(verb) && (act === "create" || act === "remove"));
}

/** Resolves to the exit code. */
export async function runContexts(args: readonly string[], tools: ContextsTools): Promise<number> {
  const [verb = "list", ...rest] = args[0]?.startsWith("-") ? ["list", ...args] : args;
  switch (verb) {
    case "list":
      return list(tools, parse(rest));
    case "resize":
      return resize(tools, parse(rest));
    case "enter":
      return enter(tools, rest);
    case "sliver":
    case "slivers":
      return sliver(tools, rest);
    case "walls": {
      await readDivision(tools.box);
      const { words, options } = parse(rest);
      return walls(tools, words, options.json);
    }
    default:
      return fail({
        code: "unknown-command",
        ...errorText("error.unknown-command", {
          program: "cbox contexts",
          command: verb,
          help: "cbox contexts help",
        }),
        exitCode: 2,
      });
  }
}

type Parsed = { readonly words: readonly string[]; readonly options: Options };

function parse(args: readonly string[]): Parsed {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      vm: { type: "boolean" },
      memory: text,
      cpus: text,
      disk: text,
      processes: text,
      instances: text,
      image: text,
    },
  });
  return { words: positionals, options: values };
}

async function list({ box, t, print }: ContextsTools, { options }: Parsed): Promise<number> {
  const division = await readDivision(box);
  // The figures of a shared pool apply to neither context alone.
  const disks =
    division.pools === "own"
      ? await Promise.all(CONTEXTS.map(async (id) => [id, await readPoolUse(box, id)] as const))
      : [];
  const diskOf = new Map(disks);
  const all = await Promise.all(CONTEXTS.map(async (id) => ({ id, instances: await instancesOf(box, id) })));
  const rows = all.flatMap(({ id, instances }) =>
    [...instances]
      .sort((a, b) => Number(b.name === id) - Number(a.name === id) || (a.name < b.name ? -1 : 1))
      .map((instance) => ({ context: id, ...view(instance, division[id].cpus) })),
  );
  if (options.json) {
    const { host, owner, community } = division;
    const pools = division.pools === "own" ? Object.fromEntries(diskOf) : "shared";
    const data = { limits: { host, owner, community }, pools, instances: rows };
    for (const line of jsonLines(data)) print(line);
    return 0;
  }
  const { memoryMib, diskMib } = division.host;
  print(t("contexts.list.host", { memory: memoryMib, disk: diskMib }));
  for (const id of CONTEXTS) {
    const { memoryMib: memory, cpus, diskMib: disk, processes, instances } = division[id];
    const values = { id, memory, cpus, all: division.box.cpus, disk, processes, instances };
    print(t("contexts.list.limits", values));
    const use = diskOf.get(id);
    if (use) print(t("contexts.list.disk", { used: use.usedMib, size: use.sizeMib }));
    for (const row of rows.filter(({ context }) => context === id)) {
      print(`  ${row.name.padEnd(16)} ${row.status.toLowerCase().padEnd(8)} ${amounts(row)}`);
    }
  }
  if (division.pools !== "own") {
    const told = t("status.contexts.shared", { command: SEPARATE });
    for (const line of wrap(told, WIDTH, "  ")) print(line);
  }
  return 0;
}

interface View {
  readonly name: string;
  readonly status: string;
  readonly type: string;
  readonly address: string | null;
  readonly memoryMib: { readonly used: number; readonly limit: number };
  readonly diskMib: { readonly used: number; readonly limit: number };
  readonly processes: { readonly used: number; readonly limit: number };
  readonly cpus: number;
}

function view(instance: Instance, cpus: number): View {
  const { name, status, type, state } = instance;
  const part = partOf(instance);
  const mib = (bytes = 0) => Math.round(bytes / 1024 / 1024);
  const address = state?.network?.eth0?.addresses?.find(({ family }) => family === "inet")?.address ?? null;
  return {
    name,
    status,
    type,
    address,
    memoryMib: { used: mib(state?.memory?.usage), limit: part.memoryMib },
    diskMib: { used: mib(state?.disk?.root?.usage), limit: part.diskMib },
    processes: { used: Math.max(0, state?.processes ?? 0), limit: part.processes },
    cpus,
  };
}

function amounts({ memoryMib, diskMib, processes, address }: View): string {
  const of = ({ used, limit }: { used: number; limit: number }) => `${used}/${limit}`;
  return `${of(memoryMib)} MiB, ${of(diskMib)} MiB, ${of(processes)} PID${address ? `, ${address}` : ""}`;
}

async function resize({ box, image, t, print }: ContextsTools, { words, options }: Parsed): Promise<number> {
  const [name = ""] = words;
  if (name !== "community") {
    contextNamed(name);
    fail({ code: "owner-gets-the-rest", ...errorText("error.owner-gets-the-rest") });
  }
  const before = await readDivision(box);
  const { community } = before;
  const exact = {
    memory_mib: amount(before, "memoryMib", "memory", options.memory) ?? community.memoryMib,
    cpus: amount(before, "cpus", "cpus", options.cpus) ?? community.cpus,
    processes: amount(before, "processes", "processes", options.processes) ?? community.processes,
    instances: amount(before, "instances", "instances", options.instances) ?? community.instances,
    disk_gib: amount(before, "diskMib", "disk", options.disk, 1024) ?? community.diskMib / 1024,
  };
  const plan = planContexts(before.box, { share: "exact", ...exact });
  const isLess = options.cpus !== undefined;
  const percent = isLess
    ? Math.min(90, Math.round((plan.community.cpus / before.box.cpus) * 100))
    : before.cpuPercent;
  const { pools } = before;
  const after: Division = { ...plan, box: before.box, cpuPercent: percent, ...(pools ? { pools } : {}) };
  await checkFit(box, after);
  await divide(box, image, after);
  await finishDivision(box, after);
  await writeRecord(box, after);
  const { memoryMib, cpus, diskMib, processes, instances } = after.community;
  const values = { memory: memoryMib, cpus, all: after.box.cpus, disk: diskMib, processes, instances };
  print(t("contexts.list.limits", { id: "community", ...values }));
  return 0;
}

/** A requested size in the unit of the plan; undefined if none was given. Throws Failure `amount-invalid`. */
function amount(division: Division, which: Amount, option: string, text: string | undefined, unit = 1) {
  if (text === undefined) return undefined;
  const { least, most } = bounds(division.box)[which];
  const [first, last] = [Math.ceil(least / unit), Math.floor(most / unit)];
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= first && value <= last) return value;
  return fail({
    code: "amount-invalid",
    ...errorText("error.amount-invalid", { option, first, last }),
    found: text,
    exitCode: 2,
  });
}

/** A context cannot be reduced below its current use. */
async function checkFit(box: Box, division: Division): Promise<void> {
  for (const id of CONTEXTS) {
    const instances = await instancesOf(box, id);
    const total = { memoryMib: 0, diskMib: 0 };
    for (const instance of instances) {
      const { memoryMib, diskMib } = view(instance, 1);
      // Only the context's own container shrinks; the others keep their limits.
      const isOwn = instance.name === id;
      total.memoryMib += isOwn ? Math.max(128, memoryMib.used) : memoryMib.limit;
      total.diskMib += isOwn ? Math.max(512, diskMib.used) : diskMib.limit;
    }
    for (const which of ["memoryMib", "diskMib"] as const) {
      if (total[which] <= division[id][which]) continue;
      fail({
        code: "no-room",
        ...errorText("error.no-room", { id }),
        ...sayFound(which === "memoryMib" ? "found.needs-memory" : "found.needs-disk", {
          needed: total[which],
          size: division[id][which],
        }),
      });
    }
  }
}

async function enter(
  { box, onTerminal }: ContextsTools,
  [name = "", ...command]: readonly string[],
): Promise<number> {
  const id = contextNamed(name);
  await readDivision(box);
  return onTerminal("incus", ["exec", id, "--project", id, "--", ...inside(command)]);
}

/** A login shell, or the command, with or without a preceding "--". */
function inside(command: readonly string[]): readonly string[] {
  const words = command[0] === "--" ? command.slice(1) : command;
  return words.length > 0 ? words : ["bash", "--login"];
}

async function sliver(tools: ContextsTools, [verb = "list", ...rest]: readonly string[]): Promise<number> {
  const { box, t, print, onTerminal } = tools;
  const { community } = await readDivision(box);
  const [name = ""] = rest;
  switch (verb) {
    case "create":
      return create(tools, parse(rest));
    case "list": {
      const rows = (await slivers(box)).map((each) => view(each, community.cpus));
      if (parse(rest).options.json) for (const line of jsonLines(rows)) print(line);
      else if (rows.length === 0) print(t("contexts.sliver.none"));
      else
        for (const row of rows)
          print(`${row.name.padEnd(18)} ${row.status.toLowerCase().padEnd(8)} ${amounts(row)}`);
      return 0;
    }
    case "enter": {
      await findSliver(box, name);
      return onTerminal("incus", ["exec", name, "--project", "community", "--", ...inside(rest.slice(1))]);
    }
    case "remove":
      await removeSliver(box, community, name);
      print(t("contexts.sliver.removed", { name }));
      return 0;
    default:
      return fail({
        code: "unknown-command",
        ...errorText("error.unknown-command", {
          program: "cbox contexts sliver",
          command: verb,
          help: "cbox contexts help",
        }),
        exitCode: 2,
      });
  }
}

async function create(
  { box, image, t, print }: ContextsTools,
  { words: [name = ""], options }: Parsed,
): Promise<number> {
  const { community } = await readDivision(box);
  const number = (option: "memory" | "disk" | "processes", least: number, normal: number) => {
    const text = options[option];
    if (text === undefined) return normal;
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    return fail({
      code: "amount-invalid",
      ...errorText("error.amount-invalid.least", { option, least }),
      found: text,
      exitCode: 2,
    });
  };
  const wish = {
    name,
    memoryMib: number("memory", 32, options.vm ? VM_MEMORY_MIB : LEAST_INSTANCE.memoryMib),
    diskMib: number("disk", 1, LEAST_INSTANCE.diskMib / 1024) * 1024,
    processes: number("processes", 50, LEAST_INSTANCE.processes),
  };
  if (options.vm) await needVm(box, image, wish.memoryMib, options.image);
  const start = box.now().getTime();
  await createSliver(box, community, {
    ...wish,
    ...(options.image ? { image: options.image } : {}),
    isVm: options.vm ?? false,
  });
  print(t("contexts.sliver.made", { name, seconds: Math.round((box.now().getTime() - start) / 1000) }));
  return 0;
}

async function needVm(
  box: Box,
  image: ImageInfo,
  memoryMib: number,
  name: string | undefined,
): Promise<void> {
  const obstacle = await vmObstacle(box, image.profile.architecture, memoryMib);
  if (obstacle) {
    fail({
      code: "vm-impossible",
      ...errorText("error.vm-impossible"),
      ...sayFound(`found.vm-${obstacle}`, { memory: VM_MEMORY_MIB }),
    });
  }
  if (name) return;
  fail({ code: "vm-image-needed", ...errorText("error.vm-image-needed") });
}

function contextNamed(name: string): ContextId {
  if (isContextId(name)) return name;
  const suggestion = didYouMean(name, CONTEXTS);
  return fail({
    code: "unknown-context",
    ...errorText(
      name ? "error.unknown-context" : "error.unknown-context.none",
      { name, suggestion: suggestion ?? "" },
      suggestion ? "did-you-mean" : undefined,
    ),
    found: CONTEXTS.join(", "),
    exitCode: 2,
  });
}

/** Throws Failure `contexts-off`. */
async function readDivision(box: Box): Promise<Division> {
  const record = await readRecord(box);
  if (record && !("none" in record)) return record;
  return fail({
    code: "contexts-off",
    ...errorText(record ? "error.contexts-off.never" : "error.contexts-off"),
    ...sayFound(record ? `found.contexts-${record.none}` : "found.not-set-up"),
  });
}

function onTerminal(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal ? 128 : (code ?? 1)));
  });
}
