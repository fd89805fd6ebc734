// SPDX-License-Identifier: GPL-3.0-or-later
// cbox on the box: the set-up service, its state, and the announcement of services. Bundled into one file; what a
// command does not need is not loaded.

import { fail } from "../common/fail.ts";
import { ending } from "./ending.ts";

async function main([command = "help", ...rest]: readonly string[]): Promise<void> {
  switch (command) {
    case "firstboot":
      return (await import("./commands/firstboot.ts")).firstboot(rest);
    case "setup":
      return (await import("./commands/setup.ts")).setup(rest);
    case "status":
      return (await import("./commands/status.ts")).status(rest);
    case "reset":
      return (await import("./commands/reset.ts")).reset(rest);
    case "publish":
      return (await import("./commands/publish.ts")).publishNow();
    case "search":
      return (await import("./commands/search.ts")).searchNow(rest);
    case "guifi-dns":
      return (await import("./commands/guifi-dns.ts")).refreshNow();
    case "guifi-graphs":
      return (await import("./commands/guifi-graphs.ts")).refreshGraphsNow();
    case "help":
    case "--help":
    case "-h":
      return (await import("./commands/help.ts")).help(rest);
    default:
      return aboutStep(command, rest);
  }
}

type StepCommand = (args: readonly string[]) => Promise<void>;

/** Steps with more to say than their status: what follows the step's name goes there, except "setup". */
const STEP_COMMANDS: { readonly [step: string]: () => Promise<StepCommand> } = {
  contexts: async () => (await import("./commands/contexts.ts")).contexts,
  node: async () => (await import("./commands/node.ts")).node,
  services: async () => (await import("./commands/services.ts")).services,
};

/** `cbox vpn`, `cbox vpn --json`, `cbox vpn setup`. */
async function aboutStep(id: string, [verb, ...rest]: readonly string[]): Promise<void> {
  const { steps } = await import("./steps/index.ts");
  const step = steps.find((each) => each.id === id);
  if (!step) return (await import("./commands/help.ts")).help([id]);
  if (verb === "setup") return (await import("./commands/step-setup.ts")).stepSetup(step, rest);
  if (id === "vpn" && verb === "refresh") return (await import("./commands/vpn-refresh.ts")).refreshNow();
  const own = STEP_COMMANDS[id];
  if (!own && ["help", "--help", "-h"].includes(verb ?? ""))
    return (await import("./commands/help.ts")).help([id]);
  if (own) return (await own())([verb, ...rest].filter((word) => word !== undefined));
  if (verb !== undefined && !verb.startsWith("-")) return unknownCommand(`${id} ${verb}`);
  return (await import("./commands/status.ts")).stepStatus(step, verb === undefined ? [] : [verb, ...rest]);
}

function unknownCommand(command: string): never {
  return fail({
    code: "unknown-command",
    what: `cbox has no command "${command}".`,
    hint: "cbox help",
    exitCode: 2,
  });
}

main(process.argv.slice(2)).then(
  // A console left open would keep the process; it has nothing more to say.
  () => process.exit(process.exitCode ?? 0),
  (thrown: unknown) => {
    const { text, code } = ending(thrown);
    process.stderr.write(text);
    process.exit(code);
  },
);
