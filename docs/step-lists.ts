// SPDX-License-Identifier: GPL-3.0-or-later
// The lists of the commands and steps of `cbox` in files of the box: the shell's completion and the man page.
import { commands } from "../firstboot/commands/help.ts";
import { english } from "../firstboot/i18n/translate.ts";
import { steps } from "../firstboot/steps/index.ts";

export const COMPLETION = "overlays/base/files/etc/profile.d/cbox-completion.sh";
export const COMPLETION_MARKS = [
  "# The commands and steps, written by npm run docs.",
  "# End of what is written.",
] as const;

export const MAN_PAGE = "overlays/base/files/usr/share/man/man1/cbox.1";
export const MAN_MARKS = ['.\\" The steps, written by npm run docs.', '.\\" End of the steps.'] as const;

/** Arms of its `case`: those before them are for steps that take more. */
export function completionArms(): string {
  const names = commands.map(({ name }) => name);
  const arms = [
    ["1:*", names],
    ["2:help:*", names.filter((name) => name !== "help")],
    [steps.map(({ id }) => `2:${id}:*`).join(" | "), ["setup", "--json"]],
  ] as const;
  return arms.map(([pattern, words]) => `\t${pattern}) words="${words.join(" ")}" ;;\n`).join("");
}

/** A step is described as `cbox help` does, within a sentence. */
export function manSteps(): string {
  return commands
    .filter(({ name }) => steps.some(({ id }) => id === name))
    .map(({ name, line }) => `.TP\n.B ${name}\n${lowered(english(line)).replaceAll("-", "\\-")}\n`)
    .join("");
}

/** "How the box is connected" to "how the box is connected"; what begins with more capitals than one stays. */
function lowered(sentence: string): string {
  return sentence.replace(/^\p{Lu}(?!\p{Lu})/u, (letter) => letter.toLowerCase());
}
