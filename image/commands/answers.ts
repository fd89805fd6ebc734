// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox answers`: writes an example answers file, checks files, merges two, and makes the files of a whole fleet from
// a list.

import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Document } from "yaml";
import { writeFileAtomic } from "../../common/atomic.ts";
import { fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { say, sayDocument } from "../../common/say.ts";
import {
  demandRight,
  type ForImage,
  inWords,
  listsIn,
  mistakesIn,
  remarks,
  unchecked,
} from "../answers/check.ts";
import { exampleAnswers } from "../answers/example.ts";
import { answersOf, columnOf, type Fleet, readFleet, refuse, twins } from "../answers/fleet.ts";
import { layOver, openAnswers, readAnswers } from "../answers/merge.ts";
import { shownPath } from "../host/paths.ts";
import { resolveProfile } from "../profile/index.ts";
import type { YamlFile } from "../profile/yaml-file.ts";
import { defaultOut } from "./build.ts";

/** Of the options that all of them have. */
export interface AnswersOptions {
  readonly profile: string;
  readonly community?: string;
  readonly output?: string;
  /** Folder of the image; where a build of the profile goes unless said. */
  readonly image?: string;
  /** What is there may be replaced. */
  readonly overwrite?: boolean;
}

export interface AnswersFleetOptions extends AnswersOptions {
  readonly fleet?: string;
  readonly base?: string;
  readonly out?: string;
}

/** Answers hold passwords: only their owner may read them. */
const PRIVATE = { mode: 0o600 };

export const ANSWERS_COMMANDS = {
  async new({ profile, output, overwrite }: AnswersOptions): Promise<void> {
    await write(exampleAnswers(resolveProfile(profile)), output, overwrite);
  },

  async check(paths: readonly string[], options: AnswersOptions): Promise<void> {
    const image = forImage(options);
    const files = paths.map(readAnswers);
    await demandRight(files, image);
    const [first = ""] = paths;
    say(`${paths.length === 1 ? `${first} is` : `${paths.length} files are`} right for ${image.profile.id}.`);
    for (const { name, data } of files) for (const remark of remarks(data)) say(`${name}: ${remark}`);
    for (const line of unchecked(dataOf(files), image)) say(line);
  },

  async merge(paths: readonly string[], options: AnswersOptions): Promise<void> {
    const [base = "", ...overrides] = paths;
    const merged = openAnswers(base);
    for (const path of overrides) layOver(merged, readAnswers(path).data);
    const [mistakes = []] = await mistakesIn([merged.toJS()], forImage(options));
    if (mistakes.length > 0) {
      fail({
        code: "answers-refused",
        what: "Together, these answers are not right; nothing was written.",
        found: mistakes.map((mistake) => `\n  - ${printable(inWords(mistake))}`).join(""),
        hint: "./cbox answers check FILE looks at one of them",
      });
    }
    await write(String(merged), options.output, options.overwrite);
  },

  async fleet(options: AnswersFleetOptions): Promise<void> {
    const { fleet: list, base, out } = options;
    if (!list || !base || !out) {
      return fail({
        code: "usage",
        what: "A fleet needs a list, a base, and a folder for the files.",
        hint: "./cbox answers --fleet boxes.csv --base base.yaml --out boxes",
        exitCode: 2,
      });
    }
    const fleet = readFleet(list);
    const image = forImage(options);
    const answers = await checkedFleet(fleet, base, image);
    const files = answers.map((document, index) => join(out, fileName(fleet, index, document)));
    if (!options.overwrite) refuseToOverwrite(files);
    await mkdir(out, { recursive: true, mode: 0o700 });
    for (const [index, document] of answers.entries()) {
      const path = files[index]!;
      // An old file may be readable by all. Files are not synced one by one, which would take most of the time.
      await rm(path, { force: true });
      await writeFile(path, String(document), { ...PRIVATE, flag: "wx" });
    }
    say(`${answers.length} files in ${out}, each of them checked.`);
    const data = answers.map((document): unknown => document.toJS());
    for (const line of unchecked(data, image)) say(line);
  },
} as const;

/**
 * The answers of every box of a list, in its order.
 * @throws Failure `fleet-invalid`, naming row, column and field of each mistake
 */
export async function checkedFleet(
  fleet: Fleet,
  base: string,
  image: ForImage,
): Promise<readonly Document[]> {
  const common = openAnswers(base);
  const answers = fleet.rows.map((row) => answersOf(common, row));
  const mistakes = await mistakesIn(
    answers.map((document) => document.toJS()),
    image,
  );
  const lines = fleet.rows.flatMap(({ number }, index) =>
    mistakes[index]!.map((each) => `row ${number}${columnOf(fleet, each.field)}: ${inWords(each)}`),
  );
  const all = [...lines, ...twins(fleet, answers)];
  if (all.length > 0) {
    const most = 20;
    const shown = all.length > most ? [...all.slice(0, most), `and ${all.length - most} more`] : all;
    refuse(fleet.name, shown, `correct the list, or ${shownPath(base)}`);
  }
  return answers;
}

function fileName(fleet: Fleet, index: number, document: Document): string {
  const name = document.getIn(["system", "hostname"]);
  // Checked: a host name has no signs that a file's name must not have.
  return typeof name === "string" ? `${name}.yaml` : `row-${fleet.rows[index]!.number}.yaml`;
}

function forImage({
  profile: id,
  community,
  image,
}: Pick<AnswersOptions, "profile" | "community" | "image">): ForImage {
  const profile = resolveProfile(id);
  return { profile, ...(community ? { community } : {}), ...listsIn(image ?? defaultOut(profile.id)) };
}

function dataOf(files: readonly YamlFile[]): unknown[] {
  return files.map(({ data }) => data);
}

/** Refuses to replace a file: it may hold a person's answers, with passwords that exist nowhere else. */
function refuseToOverwrite(files: readonly string[]): void {
  const there = files.filter((file) => existsSync(file));
  if (there.length === 0) return;
  const more = there.length > 1 ? ` and ${there.length - 1} more` : "";
  fail({
    code: "answers-exist",
    what: "There is such a file already; nothing was written.",
    found: `${there[0]}${more}`,
    hint: "another name or folder, or --overwrite",
  });
}

async function write(text: string, output: string | undefined, overwrite = false): Promise<void> {
  if (output === undefined) sayDocument(text);
  else {
    if (!overwrite) refuseToOverwrite([output]);
    await writeFileAtomic(output, text, PRIVATE);
    say(`Written to ${output}`);
  }
}
