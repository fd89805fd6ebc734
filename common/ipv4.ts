// SPDX-License-Identifier: GPL-3.0-or-later
// IPv4 addresses as numbers, and their properties that need no network access.

/** Unsigned 32 bits; undefined unless it is four decimal numbers without leading zeros (which some read as octal). */
export function parseIpv4(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const bytes = text.split(".").map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

export interface Cidr {
  readonly address: number;
  readonly prefix: number;
  readonly network: number;
  readonly broadcast: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(text);
  const address = parseIpv4(match?.[1] ?? "");
  const prefix = Number(match?.[2]);
  if (address === undefined || prefix > 32) return undefined;
  // Shift counts are taken modulo 32, so /0 is a special case.
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  const network = (address & mask) >>> 0;
  return { address, prefix, network, broadcast: (network | ~mask) >>> 0 };
}

export function contains(
  { network, broadcast }: Pick<Cidr, "network" | "broadcast">,
  address: number,
): boolean {
  return address >= network && address <= broadcast;
}

/** A valid host address: not 0/8, loopback, multicast or reserved. */
export function isHostAddress(address: number): boolean {
  const first = address >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
