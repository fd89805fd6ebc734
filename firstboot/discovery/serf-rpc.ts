// SPDX-License-Identifier: GPL-3.0-or-later
// Requests to the box's Serf agent. The agent requires a key, since every account of the box can reach the loopback
// address and could otherwise send announcements or stop the agent.

import type { Box, RunOptions, RunResult, WriteOptions } from "../host/box.ts";
import { paths } from "../host/paths.ts";

export const SERF_RPC = "127.0.0.1:7373";

/** Runs `serf COMMAND` with this box's agent; the program adds address and key, which no command line shows. */
export function askSerf(
  box: Pick<Box, "run">,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return box.run(paths.serfRpc, args, options);
}

/** Generated on the box, kept until a reset. */
export async function serfRpcKey(box: Box): Promise<string> {
  const kept = ((await box.readFile(paths.serfRpcKey)) ?? "").trim();
  if (/^[0-9a-f]{32}$/.test(kept)) return kept;
  const made = box.randomHex(16);
  await box.writeFile(paths.serfRpcKey, `${made}\n`, await forAdministrators(box));
  return made;
}

/** Members of the group sudo may read the key, so that `cbox status` and `cbox search` work without sudo. */
async function forAdministrators(box: Box): Promise<WriteOptions> {
  const { code, stdout } = await box.run("getent", ["group", "sudo"]);
  const gid = Number(stdout.split(":")[2]);
  return code === 0 && Number.isInteger(gid) ? { mode: 0o640, owner: { uid: 0, gid } } : { mode: 0o600 };
}

/** False if this account may not read the key. */
export async function mayAskSerf(box: Pick<Box, "readFile">): Promise<boolean> {
  return box.readFile(paths.serfRpcKey).then(
    () => true,
    () => false,
  );
}

/** Whether the agent still runs with a former key, because its restart after the change was interrupted. */
export async function isKeyRefused(box: Box): Promise<boolean> {
  const { code, stdout, stderr } = await askSerf(box, ["info"], { timeout: 300_000 });
  return code !== 0 && /authentication/i.test(stdout + stderr);
}
