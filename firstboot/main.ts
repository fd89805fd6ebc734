// SPDX-License-Identifier: GPL-3.0-or-later
// cbox on the box: the set-up service, the box's state, and the announcement of services. Bundled into one file.

import { ending } from "./commands/ending.ts";
import { runCommand } from "./commands/index.ts";
import { spokenLanguage } from "./host/language.ts";

runCommand(process.argv.slice(2)).then(
  // Explicit exit: a console that is still open would keep the process running.
  () => process.exit(process.exitCode ?? 0),
  async (thrown: unknown) => {
    const { text, code } = ending(thrown, await spokenLanguage(process.stderr));
    process.stderr.write(text);
    process.exit(code);
  },
);
