// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the Ethernet interfaces of the box, selects a default one, and the one that identifies the box to others.

import type { Box } from "../host/box.ts";
import { isWifi } from "../wifi/card.ts";

export interface Interface {
  readonly name: string;
  readonly mac: string;
  /** A cable is connected and the other end is up. */
  readonly hasCarrier: boolean;
}

const SYS = "/sys/class/net";
/** Written by systemd inside a container. */
const IN_CONTAINER = "/run/systemd/container";
/** ARPHRD_ETHER of linux/if_arp.h. */
const ETHERNET = "1";

/** Waits for drivers that are still loading, this early in the boot. Returns at once when all are loaded. */
export async function settleInterfaces(box: Box): Promise<Interface[]> {
  await box.run("udevadm", ["settle", "--timeout=10"]);
  return findInterfaces(box);
}

export function findInterfaces(box: Box): Promise<Interface[]> {
  return cards(box, { wireless: false });
}

/**
 * The interface that identifies the box: the one already known, else the selected one, else the first, else a
 * wireless one, since some boards have no other.
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
    // Bridges, tunnels and other virtual interfaces have no device.
    const isOwn = (await box.exists(`${at}/device`)) || (isContainer && (await isLent(box, at)));
    if (!isOwn || (await isWifi(box, name)) !== wireless) continue;
    if ((await read(box, `${at}/type`)) !== ETHERNET) continue;
    found.push({
      name,
      mac: await read(box, `${at}/address`),
      // Reading fails (EINVAL) while the interface is down: no carrier.
      hasCarrier: (await read(box, `${at}/carrier`)) === "1",
    });
  }
  return found;
}

/**
 * An interface that the container's host provides, a veth or a macvlan, has its peer outside, and therefore another
 * interface's number as `iflink`. Bridges and tunnels made inside have their own number; peers of nested containers
 * are ports of a bridge.
 */
async function isLent(box: Box, at: string): Promise<boolean> {
  const [own, other] = [await read(box, `${at}/ifindex`), await read(box, `${at}/iflink`)];
  return own !== other && !(await box.exists(`${at}/brport`));
}

/** The interfaces to choose from; empty if the choice is clear. */
export function ambiguous(interfaces: readonly Interface[]): readonly Interface[] {
  const connected = interfaces.filter((each) => each.hasCarrier);
  return connected.length > 1 ? connected : [];
}

/** The selected interface: the chosen one, else the only one with a cable, else the only one. */
export function automatic(interfaces: readonly Interface[], chosen?: string): Interface | undefined {
  const connected = interfaces.filter((each) => each.hasCarrier);
  if (chosen !== undefined) return interfaces.find((each) => each.name === chosen);
  return connected[0] ?? (interfaces.length === 1 ? interfaces[0] : undefined);
}

async function read(box: Box, path: string): Promise<string> {
  return ((await box.readFile(path)) ?? "").trim();
}
