// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox lab up|down|status|show|fault`: the closed network of real servers that boxes can be plugged into.

import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { say, sayJson, sayLines } from "../../common/say.ts";
import {
  activeFaults,
  DEFAULT_LAB,
  FAULTS,
  findLab,
  LAB_HOSTS,
  type Lab,
  labDown,
  labUp,
  leases,
  READERS,
  type Row,
  readAll,
  readRecord,
  fault as switchFault,
} from "../../test/lab/index.ts";
import { requireChecks } from "../doctor/index.ts";
import { interruption } from "../host/interrupt.ts";
import { table } from "../host/table.ts";
import { labRoot } from "../lab-root.ts";
import { loadCommunity } from "../profile/index.ts";

export interface LabOptions {
  readonly name?: string;
  readonly community?: string;
  readonly json?: boolean;
}

export type FaultState = "on" | "off";

export const LAB_COMMANDS = { up, down, status, show, fault } as const;

async function up({ name = DEFAULT_LAB, community = "guifi" }: LabOptions): Promise<void> {
  await requireChecks("lab");
  const lab = await labUp({
    name,
    community: loadCommunity(community),
    root: await labRoot(),
    signal: interruption(),
  });
  say(`The lab "${name}" is up. Take it down with: ./cbox lab down${nameOption(name)}`);
  sayLines(describeLab(lab));
}

async function down({ name = DEFAULT_LAB }: LabOptions): Promise<void> {
  const existed = await labDown(name);
  say(existed ? `The lab "${name}" is down.` : `There was no lab "${name}".`);
}

async function status({ name = DEFAULT_LAB }: LabOptions): Promise<void> {
  const lab = findLab(name);
  sayLines(
    lab
      ? describeLab(lab)
      : `The lab "${printable(name)}" is down. Put it up with: ./cbox lab up${nameOption(name)}`,
  );
}

async function show({ name = DEFAULT_LAB, json }: LabOptions): Promise<void> {
  const known = await readAll(runningLab(name));
  if (json) sayJson(known);
  else sayLines(READERS.map(({ title, name }) => `${title}\n${rows(known[name] ?? [])}`).join("\n"));
}

async function fault(
  fault: string | undefined,
  state: FaultState | undefined,
  { name = DEFAULT_LAB }: LabOptions,
): Promise<void> {
  if (fault === undefined) {
    const lab = findLab(name);
    sayLines(faultRows(lab ? activeFaults(lab) : []));
    return;
  }
  if (state === undefined) {
    fail({
      code: "usage",
      what: "Say whether the fault goes on or off.",
      found: `./cbox lab fault ${fault}`,
      hint: `./cbox lab fault ${fault} on`,
      exitCode: 2,
    });
  }
  await switchFault(runningLab(name), fault, state === "on");
  say(
    state === "on"
      ? `The fault is on. Mend it with: ./cbox lab fault ${fault} off${nameOption(name)}`
      : "The fault is off.",
  );
}

function runningLab(name: string): Lab {
  return (
    findLab(name) ??
    fail({
      code: "lab-down",
      what: `The lab "${name}" is not up.`,
      hint: `./cbox lab up${nameOption(name)}`,
    })
  );
}

function nameOption(name: string): string {
  return name === DEFAULT_LAB ? "" : ` --name ${name}`;
}

function describeLab(lab: Lab): string {
  const active = activeFaults(lab);
  return [
    "hosts",
    rows(LAB_HOSTS.map(({ name, address = "" }) => ({ name, address, server: serverState(lab, name) }))),
    "faults that are on",
    rows(
      FAULTS.filter(({ name }) => active.includes(name)).map(({ name, description }) => ({
        name,
        description,
      })),
    ),
    "addresses given",
    rows(leases(lab).map(({ address, mac, name }) => ({ address, mac, name }))),
  ].join("\n");
}

function serverState(lab: Lab, host: string): string {
  const server = readRecord(lab.name)?.servers.find((other) => other.host === host);
  if (!server) return "no server";
  const reasons = Object.keys(server.changes);
  if (reasons.length === 0) return "running";
  return `${server.process ? "running otherwise" : "down"} (${reasons.join(", ")})`;
}

function faultRows(active: readonly string[]): string {
  return rows(
    FAULTS.map(({ name, description }) => ({
      name,
      state: active.includes(name) ? "on" : "off",
      description,
    })),
  );
}

/** A table with its headings, indented; the headings are the keys of the first row. */
function rows(all: readonly Row[]): string {
  const [first] = all;
  if (!first) return "  none";
  const keys = Object.keys(first);
  return table([keys, ...all.map((row) => keys.map((key) => row[key] ?? ""))], "  ");
}
