// SPDX-License-Identifier: GPL-3.0-or-later
// cbox on the box: the set-up service, its state, and the announcement of services. Bundled into one file; what a
// command does not need is not loaded.

import { describeFailure, Failure, fail } from "../common/fail.ts";

const USAGE = `usage: cbox <command>

  status [--json]   how the box is doing
  publish           announce the box's services now
  firstboot         the set-up (run by the system)
`;

async function main([command = "help", ...rest]: readonly string[]): Promise<void> {
  switch (command) {
    case "firstboot":
      return (await import("./commands/firstboot.ts")).firstboot(rest);
    case "status":
      return (await import("./commands/status.ts")).status(rest);
    case "publish":
      return (await import("./commands/publish.ts")).publishNow();
    case "help":
    case "--help":
    case "-h":
      process.stdout.write(USAGE);
      return;
    default:
      fail({
        code: "unknown-command",
        what: `cbox has no command "${command}".`,
        hint: "cbox help",
        exitCode: 2,
      });
  }
}

main(process.argv.slice(2)).then(
  // A console left open would keep the process; it has nothing more to say.
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    const isForeseen = error instanceof Failure;
    process.stderr.write(
      `${isForeseen ? describeFailure(error) : String((error as Error)?.stack ?? error)}\n`,
    );
    process.exit(isForeseen ? error.exitCode : 70);
  },
);
