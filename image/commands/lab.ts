// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox lab up|down|status`: the closed network of real servers that boxes can be plugged into.
import { LAB_HOSTS } from "../../test/lab/hosts/index.ts";
import { DEFAULT_LAB, findLab, type Lab, labDown, labUp } from "../../test/lab/lab.ts";
import { leases } from "../../test/lab/leases.ts";
import { type Member, members } from "../../test/lab/serf.ts";
import { labRoot } from "../debian/lab-root.ts";
import { requireChecks } from "../doctor/index.ts";
import { interruption } from "../interruption.ts";
import { loadCommunity } from "../profile/index.ts";
import { table } from "../table.ts";

export interface LabCommandOptions {
  readonly name?: string;
  readonly community?: string;
}

const ACTIONS = { up, down, status } as const;
export type LabAction = keyof typeof ACTIONS;

export async function labCommand(action: LabAction, options: LabCommandOptions): Promise<void> {
  await ACTIONS[action](options.name ?? DEFAULT_LAB, options);
}

async function up(name: string, options: LabCommandOptions): Promise<void> {
  await requireChecks("lab");
  const community = loadCommunity(options.community ?? "guifi");
  const lab = await labUp({ name, community, root: await labRoot(), signal: interruption() });
  console.log(`The lab "${name}" is up. Take it down with: ./cbox lab down`);
  console.log(await describeLab(lab));
}

async function down(name: string): Promise<void> {
  const existed = await labDown(name);
  console.log(existed ? `The lab "${name}" is down.` : `There was no lab "${name}".`);
}

async function status(name: string): Promise<void> {
  const lab = findLab(name);
  console.log(lab ? await describeLab(lab) : `The lab "${name}" is down. Put it up with: ./cbox lab up`);
}

async function describeLab(lab: Lab): Promise<string> {
  const given = leases(lab).map(({ address, mac, name }) => [address, mac, name]);
  return [
    "hosts",
    rows(
      LAB_HOSTS.map(({ name, address, server }) => [name, address ?? "", server ? "running" : "no server"]),
    ),
    "leases",
    rows(given),
    "Serf members",
    rows((await members(lab)).flatMap(memberRows)),
  ].join("\n");
}

function memberRows({ name, address, status, services }: Member): string[][] {
  const published = services.map(({ s, d, i, p }) => [
    "",
    "",
    "",
    `${s} ${i}:${p} ${d.replaceAll("_", " ")}`,
  ]);
  return [[name, address, status, published.length === 0 ? "publishes nothing" : "publishes"], ...published];
}

function rows(cells: readonly (readonly string[])[]): string {
  return table(cells.length > 0 ? cells : [["none"]], "  ");
}
