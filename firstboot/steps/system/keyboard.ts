// SPDX-License-Identifier: GPL-3.0-or-later
// The keyboard of the box's screen. Debian's console-setup stores its layout and loads it at every start.

import { didYouMean } from "../../../common/did-you-mean.ts";
import { type Box, writeIfChanged } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { isTextKey } from "../../i18n/translate.ts";
import { type Problem, problem } from "../../setup/problems.ts";
import type { Answers, Choice, Finding, LookUp, LookUpTools, ProbeResult } from "../../setup/step.ts";

/** keyboard(5) */
const FILE = "/etc/default/keyboard";
/** All layouts of XKB, from the package xkb-data. */
const RULES = "/usr/share/X11/xkb/rules/base.lst";

export interface Keyboard {
  /** XKB layouts by name, with English titles. Empty if the box has no program to load one. */
  readonly layouts: ReadonlyMap<string, string>;
  readonly present: string | undefined;
}

export async function readKeyboard(box: Box): Promise<Keyboard> {
  const hasLoader = await box.exists("/usr/bin/setupcon");
  const layouts = parseLayouts(hasLoader ? ((await box.readFile(RULES)) ?? "") : "");
  const [, present = ""] = /^XKBLAYOUT="?([a-z]+)/m.exec((await box.readFile(FILE)) ?? "") ?? [];
  return { layouts, present: layouts.has(present) ? present : undefined };
}

/** Reads the section "! layout": each line has a name and a title. */
function parseLayouts(rules: string): ReadonlyMap<string, string> {
  const [, section = ""] = /^! layout\n([^!]*)/m.exec(rules) ?? [];
  const lines = [...section.matchAll(/^ +(\S+) +(.+)$/gm)];
  return new Map(lines.map(([, name = "", title = ""]) => [name, title]));
}

/** The keyboard part of the step's probe: the community's choices, or nothing on a box without a screen. */
export function keyboardSurvey({ layouts, present }: Keyboard, image: ImageInfo): ProbeResult {
  const known = image.community.keyboards.filter((name) => layouts.has(name));
  const initial = present ?? known[0];
  if (initial === undefined) return { defaults: {}, hidden: ["keyboard"] };
  const offered = [...new Set([...known, initial])];
  return {
    defaults: { keyboard: initial },
    choices: { keyboard: offered.map((value) => choice(value, layouts.get(value) ?? value)) },
  };
}

function choice(value: string, label: string): Choice {
  return isTextKey(`option.system.keyboard.${value}`) ? { value } : { value, label };
}

export function checkKeyboard(layout: string, { layouts }: Keyboard): Problem[] {
  // One answers file may be for many boxes, some of them without a screen.
  if (layouts.size === 0 || layouts.has(layout)) return [];
  const suggestion = meantLayout(layout, layouts);
  return [problem("system.keyboard", "keyboard-unknown", { found: layout, suggestion })];
}

/** Common words for a keyboard in the languages of the region. The codes are misleading: "ca" is French Canada. */
const WORDS: Readonly<Record<string, string>> = {
  es: "spanish spain espanol espana castellano castella espanyol espanya catalan catala catalunya cat spa esp",
  us: "english en usa american ingles angles eng",
  gb: "british uk britanic britanico england",
  fr: "french france frances francais fra",
  de: "german germany deutsch aleman alemany ger",
  it: "italian italy italiano italia ita",
  pt: "portuguese portugal portugues por",
};
const BY_WORD = new Map(
  Object.entries(WORDS).flatMap(([layout, words]) => words.split(" ").map((word) => [word, layout] as const)),
);

/** By its word or title; typing errors are corrected only in longer names: two-letter codes are too similar. */
function meantLayout(typed: string, layouts: Keyboard["layouts"]): string | undefined {
  const word = typed.normalize("NFD").replace(/\p{M}/gu, "").trim().toLowerCase();
  const known = BY_WORD.get(word);
  if (known !== undefined && layouts.has(known)) return known;
  if (layouts.has(word)) return word;
  const titled = [...layouts].find(([, title]) => title.toLowerCase() === word);
  if (titled) return titled[0];
  const longest = 3;
  if (word.length <= longest) return undefined;
  return didYouMean(
    word,
    [...layouts.keys()].filter((name) => name.length > longest),
  );
}

/** Set at once, since a password may be typed next, and with another layout it would be a different one. */
export const lookUp: LookUp = {
  paths: ["keyboard"],
  async run(_path: string, { keyboard }: Answers, { box }: LookUpTools): Promise<Finding> {
    const isLoaded = await useKeyboard(box, String(keyboard));
    return isLoaded ? {} : { notes: [{ key: "look-up.system.keyboard.later", values: {} }] };
  },
};

/** @returns false if the layout applies only after a restart. */
export async function useKeyboard(box: Box, layout: string): Promise<boolean> {
  if ((await readKeyboard(box)).layouts.size === 0) return true;
  await writeIfChanged(box, FILE, keyboardFile(layout));
  // --force: the command does not run on the affected terminal; --save: for the next start.
  const { code } = await box.run("setupcon", ["--keyboard-only", "--force", "--save"]);
  return code === 0;
}

function keyboardFile(layout: string): string {
  return [
    "# KEYBOARD CONFIGURATION FILE",
    "# Written by the Community Box set-up; see keyboard(5). To change it: cbox system setup",
    "",
    'XKBMODEL="pc105"',
    `XKBLAYOUT="${layout}"`,
    'XKBVARIANT=""',
    'XKBOPTIONS=""',
    "",
    'BACKSPACE="guess"',
    "",
  ].join("\n");
}
