// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of `cbox` on the box, by their first word. Each one loads only what it needs.

import { fail } from "../../common/fail.ts";
import { errorText } from "../host/error-text.ts";

export type RunCommand = (args: readonly string[]) => Promise<void>;
type Commands = { readonly [name: string]: () => Promise<RunCommand> };

export const COMMANDS: Commands = {
  firstboot: async () => (await import("./firstboot.ts")).firstboot,
  setup: async () => (await import("./setup.ts")).setup,
  status: async () => (await import("./status.ts")).status,
  reset: async () => (await import("./reset.ts")).reset,
  publish: async () => (await import("./publish.ts")).publishNow,
  search: async () => (await import("./search.ts")).searchNow,
  "guifi-dns": async () => (await import("./guifi-dns.ts")).refreshNow,
  "guifi-graphs": async () => (await import("./guifi-graphs.ts")).refreshGraphsNow,
  help: async () => (await import("./help.ts")).help,
};

/** Steps with subcommands: all arguments except "setup" go there. */
const STEP_COMMANDS: Commands = {
  contexts: async () => (await import("./contexts.ts")).contexts,
  node: async () => (await import("./node.ts")).node,
  services: async () => (await import("./services.ts")).services,
};

const HELP = ["help", "--help", "-h"];

/** Runs one command line, without the leading `cbox`. */
export async function runCommand([first = "help", ...rest]: readonly string[]): Promise<void> {
  const name = HELP.includes(first) ? "help" : first;
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return run ? (await run())(rest) : aboutStep(name, rest);
}

/** `cbox vpn`, `cbox vpn --json`, `cbox vpn setup`. */
async function aboutStep(id: string, [verb, ...rest]: readonly string[]): Promise<void> {
  const { steps } = await import("../steps/index.ts");
  const step = steps.find((each) => each.id === id);
  if (!step) return (await import("./help.ts")).help([id]);
  if (verb === "setup") return (await import("./step-setup.ts")).stepSetup(step, rest);
  if (id === "vpn" && verb === "refresh") return (await import("./vpn-refresh.ts")).refreshNow();
  const own = STEP_COMMANDS[id];
  if (!own && HELP.includes(verb ?? "")) return (await import("./help.ts")).help([id]);
  if (own) return (await own())([verb, ...rest].filter((word) => word !== undefined));
  if (verb !== undefined && !verb.startsWith("-")) return unknownCommand(`${id} ${verb}`);
  return (await import("./status.ts")).stepStatus(step, verb === undefined ? [] : [verb, ...rest]);
}

function unknownCommand(command: string): never {
  return fail({
    code: "unknown-command",
    ...errorText("error.unknown-command", { program: "cbox", command, help: "cbox help" }),
    exitCode: 2,
  });
}
