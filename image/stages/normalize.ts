// SPDX-License-Identifier: GPL-3.0-or-later
// Removes differences that come from the version of the build tools, not from the system's content: the order of
// accounts, APT's marks, the times of directories. With this, Debian 12 and Debian 13 build the same bytes.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LockedSet, PackagePin } from "../debian/lock.ts";
import type { Session } from "../host/session.ts";
import { clampTimes } from "./scrub.ts";

export interface NormalizeOptions {
  readonly root: string;
  readonly epoch: number;
  readonly set: LockedSet;
  readonly packages: Readonly<Record<string, PackagePin>>;
  readonly architecture: string;
}

export async function normalize(session: Session, options: NormalizeOptions): Promise<void> {
  const { root, epoch } = options;
  const edit = async (path: string, change: (text: string) => string) =>
    writeFile(join(root, path), change(await readFile(join(root, path), "utf8")));
  for (const [accounts, secrets] of [
    ["etc/passwd", "etc/shadow"] as const,
    ["etc/group", "etc/gshadow"] as const,
  ]) {
    await edit(accounts, sortById);
    const order = await readFile(join(root, accounts), "utf8");
    await edit(secrets, (text) => sortLike(text, order));
  }
  await writeFile(join(root, "var/lib/apt/extended_states"), extendedStates(options));
  for (const name of ["initrd.img.old", "vmlinuz.old"]) await rm(join(root, name), { force: true });
  await clampTimes(session, root, epoch);
  await session.run(["find", root, "-type", "d", "-exec", "touch", "-d", `@${epoch}`, "{}", "+"]);
}

/** Lines of /etc/passwd or /etc/group by number, as `pwck --sort` does. */
export function sortById(text: string): string {
  const id = (line: string) => Number(line.split(":")[2]);
  return joinLines(lines(text).sort((a, b) => id(a) - id(b)));
}

/** Lines of a shadow file in the order of the names in `order`. */
export function sortLike(text: string, order: string): string {
  const names = lines(order).map((line) => line.split(":")[0]);
  const place = (line: string) => names.indexOf(line.split(":")[0]);
  return joinLines(lines(text).sort((a, b) => place(a) - place(b)));
}

/** Marks packages that no profile names as automatically installed, so that APT may remove them when unused. */
export function extendedStates({
  set,
  packages,
  architecture,
}: Omit<NormalizeOptions, "root" | "epoch">): string {
  const asked = new Set(set.request.map((word) => word.split("/")[0]));
  return set.packages
    .map((key) => packages[key]!)
    .filter(({ name }) => !asked.has(name))
    .map(({ name, architecture: own }) => {
      return `Package: ${name}\nArchitecture: ${own === "all" ? architecture : own}\nAuto-Installed: 1\n`;
    })
    .join("\n");
}

function lines(text: string): string[] {
  return text.split("\n").filter(Boolean);
}

function joinLines(items: readonly string[]): string {
  return `${items.join("\n")}\n`;
}
