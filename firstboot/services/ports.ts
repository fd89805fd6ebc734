// SPDX-License-Identifier: GPL-3.0-or-later
// Names of ports in commands and messages, single ones and ranges: "8080/tcp", "49160-50160/udp".

export interface PortRange {
  readonly port: number;
  /** Last number of a range that starts at `port`. */
  readonly last?: number;
  readonly protocol: "tcp" | "udp";
}

/** In Docker's notation. */
export function portName(range: PortRange): string {
  return `${numbersOf(range)}/${range.protocol}`;
}

/** "8080", or "49160-50160". */
export function numbersOf({ port, last }: PortRange): string {
  return last === undefined ? String(port) : `${port}-${last}`;
}

export function countOf({ port, last = port }: PortRange): number {
  return last - port + 1;
}

export function includes({ port, last = port, protocol }: PortRange, other: PortRange): boolean {
  return protocol === other.protocol && port <= other.port && (other.last ?? other.port) <= last;
}

/** "8080", "5300/udp", "49160-50160/udp"; TCP by default. Undefined for anything else. */
export function parsePort(text: string): PortRange | undefined {
  const [, first, second, protocol = "tcp"] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const [port, last] = [Number(first), Number(second ?? first)];
  if (!(port >= 1 && port <= last && last <= 65535)) return undefined;
  return { port, ...(port === last ? {} : { last }), protocol: protocol as "tcp" | "udp" };
}

/** From this many on, consecutive numbers become a range. */
const RANGE = 10;

/**
 * Combines many consecutive ports into ranges if `alike` says that they are of one kind; others stay unchanged, in
 * order.
 */
export function inRanges<T extends PortRange>(
  ports: readonly T[],
  alike: (one: T, other: T) => boolean,
): readonly T[] {
  const runs: T[][] = [];
  for (const port of ports) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const isNext =
      before?.last === undefined &&
      before?.port === port.port - 1 &&
      before.protocol === port.protocol &&
      port.last === undefined &&
      alike(before, port);
    if (run && isNext) run.push(port);
    else runs.push([port]);
  }
  return runs.flatMap((run) => {
    const [first, last] = [run[0] as T, run.at(-1) as T];
    return run.length < RANGE ? run : [{ ...first, last: last.port }];
  });
}

/** The first names, and the number of the others, independent of the language: "80/tcp, 81/tcp, ... (+3)". */
export function shortList(names: readonly string[], most = 10): string {
  const left = names.length - most;
  return left > 0 ? `${names.slice(0, most).join(", ")}, ... (+${left})` : names.join(", ");
}
