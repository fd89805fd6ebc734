// SPDX-License-Identifier: GPL-3.0-or-later
// cbox on the box: the set-up service, its state, and the announcement of services. Bundled into one file.

import { ending } from "./commands/ending.ts";
import { runCommand } from "./commands/index.ts";
import { spokenLanguage } from "./host/language.ts";

runCommand(process.argv.slice(2)).then(
  // A console left open would keep the process; it has nothing more to say.
  () => process.exit(process.exitCode ?? 0),
  async (thrown: unknown) => {
    const { text, code } = ending(thrown, await spokenLanguage(process.stderr));
    process.stderr.write(text);
    process.exit(code);
  },
);
