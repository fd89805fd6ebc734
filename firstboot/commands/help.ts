// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox help [command]`: the commands, in the language of the box. The steps in the man page and in the shell
// completion are generated from this list (docs/step-lists.ts); a test compares the rest.

import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import { sayLines } from "../../common/say.ts";
import { wrap } from "../console/ascii.ts";
import { errorText } from "../host/error-text.ts";
import { boxLanguage } from "../host/language.ts";
import { isTextKey, type TextKey, type Translate, translator } from "../i18n/translate.ts";
import type { Step } from "../setup/step.ts";
import { steps } from "../steps/index.ts";

export interface CommandHelp {
  readonly name: string;
  /** The arguments after "cbox". */
  readonly syntax: readonly string[];
  /** One line for the list, and the details. */
  readonly line: TextKey;
  readonly text: TextKey;
}

const WIDTH = 80;
const SETUP = "setup [--answers FILE]";

/** Subcommands of a step, besides its status and "setup". */
const MORE: { readonly [step: string]: readonly string[] } = {
  node: ["node leave [--answers FILE] [--yes]"],
  vpn: ["vpn refresh"],
  contexts: ["contexts --help"],
  services: [
    "services enable ID [--context host|owner|community]",
    "services disable|start|stop|publish|unpublish|log|secret|upgrade ID",
    "services claim ID [--yes]",
    "services remove-data ID --yes",
    "services compose add DIRECTORY|FILE [--name NAME] [--port PORT]...",
    "services compose add DIRECTORY|FILE --claim",
    "services compose remove NAME --yes",
  ],
};

/** A step of the set-up: shows its status, and can ask its questions again. */
function ofStep({ id }: Step): CommandHelp {
  const text = `cli.${id}.text`;
  return {
    name: id,
    syntax: [`${id} [--json]`, `${id} ${SETUP}`, ...(MORE[id] ?? [])],
    // Every step has this text; a test checks it.
    line: `cli.${id}` as "cli.system",
    text: isTextKey(text) ? text : "cli.step.text",
  };
}

export const commands: readonly CommandHelp[] = [
  { name: "status", syntax: ["status [--json]"], line: "cli.status", text: "cli.status.text" },
  { name: "setup", syntax: [SETUP], line: "cli.setup", text: "cli.setup.text" },
  ...steps.map(ofStep),
  {
    name: "search",
    syntax: ["search [TYPE] [--json]", "search [TYPE] --join ADDRESS:PORT [--yes]"],
    line: "cli.search",
    text: "cli.search.text",
  },
  { name: "publish", syntax: ["publish"], line: "cli.publish", text: "cli.publish.text" },
  {
    name: "reset",
    syntax: ["reset --keep-data [--yes]", "reset --all [--yes]"],
    line: "cli.reset",
    text: "cli.reset.text",
  },
  { name: "help", syntax: ["help [COMMAND]"], line: "cli.help", text: "cli.help.text" },
];

/** Fails with `unknown-command`. */
export async function help([name]: readonly string[]): Promise<void> {
  // Works on a box in any state, and on other computers.
  sayLines(helpText(translator(await boxLanguage()), name).trimEnd());
}

export function helpText(t: Translate, name?: string): string {
  if (name === undefined) return overview(t);
  const command = commands.find((each) => each.name === name);
  return command ? about(t, command) : unknown(name);
}

/** The usage line of a command with subcommands: the first word is translated, the rest is literal. */
export function usageText(usage: string, t: Translate): string {
  const word = "usage:";
  return usage.replace(word, t("cli.usage-word").padEnd(word.length)).trimEnd();
}

/** At most 80 columns wide. */
function overview(t: Translate): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, line }) => `  ${name.padEnd(width)}  ${t(line)}`);
  return [t("cli.usage"), "", ...lines, "", ...wrap(t("cli.more"), WIDTH), ""].join("\n");
}

function about(t: Translate, { syntax, line, text }: CommandHelp): string {
  return [...syntax.map((each) => `cbox ${each}`), "", ...wrap(`${t(line)}. ${t(text)}`, WIDTH), ""].join(
    "\n",
  );
}

function unknown(name: string): never {
  const meant = didYouMean(
    name,
    commands.map((each) => each.name),
  );
  return fail({
    code: "unknown-command",
    ...errorText("error.unknown-command", {
      program: "cbox",
      command: name,
      help: meant ? `cbox ${meant}` : "cbox help",
    }),
    exitCode: 2,
  });
}
