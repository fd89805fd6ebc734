// SPDX-License-Identifier: GPL-3.0-or-later
// The owner's settings for the contexts' firewall rules: which connected networks are open to the community, and
// whether the box forwards between its networks. The program "walls" reads the same file.

import { contains, formatIpv4, parseCidr } from "../../common/ipv4.ts";
import { type Box, runOrFail, writeIfChanged } from "../host/box.ts";
import { paths } from "../host/paths.ts";

export interface WallSettings {
  /** In the format of parseNetwork (commands/wall-network.ts). */
  readonly open: readonly string[];
  /** If unset: only if the machine's own settings make it a router. */
  readonly forward?: boolean;
}

export type Forwarding = "on" | "off" | "machine" | "default";

/** The rules in force, from "walls --list". */
export interface Walls {
  /** Networks that the box is connected to, except by the VPN. */
  readonly home: readonly string[];
  readonly open: readonly string[];
  /** Are packets forwarded between the box's networks? By the owner's setting, else by the machine's. */
  readonly forward: Forwarding;
}

export async function readWallSettings(box: Pick<Box, "readFile">): Promise<WallSettings> {
  const words = linesOf((await box.readFile(paths.walls)) ?? "");
  const forward = words.filter(([word]) => word === "forward").at(-1)?.[1];
  return {
    open: words.filter(([word]) => word === "open").map(([, network = ""]) => network),
    ...(forward === "on" || forward === "off" ? { forward: forward === "on" } : {}),
  };
}

/** Stores and applies them. Throws Failure `command-failed`; they are stored then, for the next start. */
export async function applyWallSettings(box: Box, { open, forward }: WallSettings): Promise<void> {
  const lines = [
    "# Written by Community Box (cbox contexts walls).",
    ...(forward === undefined ? [] : [`forward ${forward ? "on" : "off"}`]),
    ...open.map((network) => `open ${network}`),
  ];
  await writeIfChanged(box, paths.walls, `${lines.join("\n")}\n`);
  await runOrFail(box, paths.wallsProgram, []);
}

export async function readWalls(box: Box): Promise<Walls> {
  const words = linesOf(await runOrFail(box, paths.wallsProgram, ["--list"]));
  const [, forward] = words.find(([word]) => word === "forward") ?? [];
  const named = (wanted: string) =>
    words.filter(([word]) => word === wanted).map(([, network = ""]) => network);
  const home = named("home");
  // DHCP adds a separate route to the gateway, which is already in its network.
  const isApart = (network: string) =>
    without(
      network,
      home.filter((other) => other !== network),
    ).length > 0;
  return {
    home: home.filter(isApart),
    open: named("open"),
    forward: forward === "on" || forward === "off" || forward === "machine" ? forward : "default",
  };
}

/** The range as networks, without the open ones. IPv4. */
export function without(range: string, open: readonly string[]): string[] {
  const [wide, holes] = [parseCidr(range), open.flatMap((each) => parseCidr(each) ?? [])];
  if (!wide) return [range];
  const isWithin = (hole: (typeof holes)[number]) =>
    hole.prefix <= wide.prefix && contains(hole, wide.network);
  if (holes.some(isWithin)) return [];
  if (!holes.some(({ network }) => contains(wide, network))) return [range];
  const half = 2 ** (31 - wide.prefix);
  return [wide.network, wide.network + half].flatMap((network) =>
    without(`${formatIpv4(network)}/${wide.prefix + 1}`, open),
  );
}

function linesOf(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(/\s+/));
}
