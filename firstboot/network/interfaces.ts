// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the Ethernet interfaces of the box, says which one is meant when nobody says, and by which one others know the box.

import type { Box } from "../host/box.ts";
import { isWifi } from "../wifi/card.ts";

export interface Interface {
  readonly name: string;
  readonly mac: string;
  /** A cable is in it and the other end is alive. */
  readonly hasCarrier: boolean;
}

const SYS = "/sys/class/net";
/** Written by systemd where it runs in a container. */
const IN_CONTAINER = "/run/systemd/container";
/** ARPHRD_ETHER of linux/if_arp.h. */
const ETHERNET = "1";

/** Waits for drivers that are still on their way, this early in the boot. Costs nothing once all are there. */
export async function settleInterfaces(box: Box): Promise<Interface[]> {
  await box.run("udevadm", ["settle", "--timeout=10"]);
  return findInterfaces(box);
}

export function findInterfaces(box: Box): Promise<Interface[]> {
  return cards(box, { wireless: false });
}

/**
 * By whose address others know the box: the card they know already, else the one meant, else the first, else a wireless
 * one, since some boards have nothing else.
 */
export async function foremost(
  box: Box,
  { known, chosen }: { readonly known?: string | undefined; readonly chosen?: string | undefined } = {},
): Promise<Interface | undefined> {
  const sockets = await findInterfaces(box);
  const wireless = await cards(box, { wireless: true });
  return (
    [...sockets, ...wireless].find(({ mac }) => mac === known) ??
    automatic(sockets, chosen) ??
    sockets[0] ??
    wireless[0]
  );
}

async function cards(box: Box, { wireless }: { readonly wireless: boolean }): Promise<Interface[]> {
  const found: Interface[] = [];
  const isContainer = await box.exists(IN_CONTAINER);
  for (const name of await box.list(SYS)) {
    const at = `${SYS}/${name}`;
    // Bridges, tunnels and the like have no device behind them.
    const isOwn = (await box.exists(`${at}/device`)) || (isContainer && (await isLent(box, at)));
    if (!isOwn || (await isWifi(box, name)) !== wireless) continue;
    if ((await read(box, `${at}/type`)) !== ETHERNET) continue;
    found.push({
      name,
      mac: await read(box, `${at}/address`),
      // Reading it fails (EINVAL) while the interface is down: no carrier, then.
      hasCarrier: (await read(box, `${at}/carrier`)) === "1",
    });
  }
  return found;
}

/**
 * What a container has been given of its host's network, a veth or a macvlan, has its other end outside and so the
 * number of another interface as its `iflink`. Bridges and tunnels that were made in here have their own; the ends of
 * containers in here are ports of a bridge.
 */
async function isLent(box: Box, at: string): Promise<boolean> {
  const [own, other] = [await read(box, `${at}/ifindex`), await read(box, `${at}/iflink`)];
  return own !== other && !(await box.exists(`${at}/brport`));
}

/** The interfaces a person has to choose from; empty when there is no doubt. */
export function ambiguous(interfaces: readonly Interface[]): readonly Interface[] {
  const connected = interfaces.filter((each) => each.hasCarrier);
  return connected.length > 1 ? connected : [];
}

/** The interface meant: the one chosen, else the only one with a cable, else the only one there is. */
export function automatic(interfaces: readonly Interface[], chosen?: string): Interface | undefined {
  const connected = interfaces.filter((each) => each.hasCarrier);
  if (chosen !== undefined) return interfaces.find((each) => each.name === chosen);
  return connected[0] ?? (interfaces.length === 1 ? interfaces[0] : undefined);
}

async function read(box: Box, path: string): Promise<string> {
  return ((await box.readFile(path)) ?? "").trim();
}
