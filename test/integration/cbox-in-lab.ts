// SPDX-License-Identifier: GPL-3.0-or-later
// ./cbox on a host of the lab, with this machine's file system: its network, its names and its authority are the lab's.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { PROJECT } from "../../image/host/paths.ts";
import type { Lab } from "../lab/lab.ts";
import type { Ran } from "../lab/server.ts";
import { temporaryDirectory } from "../temporary.ts";

// $1 a file of names, in the place of this machine's; then the program.
const NAMED = 'mount --bind "$1" /etc/hosts; shift; exec "$@"';

/** `names`: address by name. The program is that of the launcher, which would first look for packages to install. */
export async function cboxInLab(
  lab: Lab,
  host: string,
  names: Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<Ran> {
  const directory = temporaryDirectory();
  const [hosts, authority] = [join(directory, "hosts"), join(directory, "ca.pem")];
  const lines = Object.entries(names).map(([name, address]) => `${address} ${name}\n`);
  writeFileSync(hosts, `127.0.0.1 localhost\n${lines.join("")}`);
  writeFileSync(authority, lab.authority());
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority };
  const enter = [`--net=/run/netns/${lab.place(host).namespace}`, "unshare", "--mount"];
  const program = [process.execPath, join(PROJECT, "image/start.mjs"), ...words];
  const { exitCode, stdout, stderr } = await $({
    ...{ quiet: true, nothrow: true, cwd: PROJECT, env },
  })`nsenter ${enter} sh -euc ${NAMED} cbox ${hosts} ${program}`;
  return { code: exitCode ?? 1, stdout, stderr };
}
