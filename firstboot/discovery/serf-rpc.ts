// SPDX-License-Identifier: GPL-3.0-or-later
// How the box's programs ask its Serf agent. The agent wants a key, since any account of the box reaches the loopback address
// and could announce what it likes or stop the agent.

import type { Box, RunOptions, RunResult, WriteOptions } from "../host/box.ts";
import { paths } from "../host/paths.ts";

export const SERF_RPC = "127.0.0.1:7373";

/** `serf COMMAND` to the agent of this box; the program adds where it is and the key, which no command line shows. */
export function askSerf(
  box: Pick<Box, "run">,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return box.run(paths.serfRpc, args, options);
}

/** Made on the box, kept until a reset. */
export async function serfRpcKey(box: Box): Promise<string> {
  const kept = ((await box.readFile(paths.serfRpcKey)) ?? "").trim();
  if (/^[0-9a-f]{32}$/.test(kept)) return kept;
  const made = box.randomHex(16);
  await box.writeFile(paths.serfRpcKey, `${made}\n`, await forAdministrators(box));
  return made;
}

/** Who may become root anyway sees what the agent knows without: `cbox status`, `cbox search`. */
async function forAdministrators(box: Box): Promise<WriteOptions> {
  const { code, stdout } = await box.run("getent", ["group", "sudo"]);
  const gid = Number(stdout.split(":")[2]);
  return code === 0 && Number.isInteger(gid) ? { mode: 0o640, owner: { uid: 0, gid } } : { mode: 0o600 };
}

/** False: this account may not read the key. */
export async function mayAskSerf(box: Pick<Box, "readFile">): Promise<boolean> {
  return box.readFile(paths.serfRpcKey).then(
    () => true,
    () => false,
  );
}

/** Whether the agent still runs with a configuration that has another key: whoever wrote the present one was stopped. */
export async function isKeyRefused(box: Box): Promise<boolean> {
  const { code, stdout, stderr } = await askSerf(box, ["info"], { timeout: 300_000 });
  return code !== 0 && /authentication/i.test(stdout + stderr);
}
