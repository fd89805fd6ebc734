// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox answers`: writes an answers file to begin with, checks files, lays one over another, and makes the files of a
// whole fleet from a list.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Document } from "yaml";
import { writeFileAtomic } from "../../common/atomic.ts";
import { fail } from "../../common/fail.ts";
import { demandRight, type ForImage, inWords, mistakesIn } from "../answers/check.ts";
import { exampleAnswers } from "../answers/example.ts";
import { answersOf, columnOf, type Fleet, readFleet, refuse, twins } from "../answers/fleet.ts";
import { layOver, openAnswers, readAnswers } from "../answers/merge.ts";
import { shownPath } from "../paths.ts";
import { resolveProfile } from "../profile/index.ts";

/** Of the options that all of them have. */
export interface AnswersOptions {
  readonly profile: string;
  readonly community?: string;
  readonly output?: string;
}

export interface AnswersFleetOptions extends AnswersOptions {
  readonly fleet?: string;
  readonly base?: string;
  readonly out?: string;
}

/** Answers hold passwords: nobody else may read them. */
const PRIVATE = { mode: 0o600 };

export const ANSWERS_COMMANDS = {
  async new({ profile, output }: AnswersOptions): Promise<void> {
    await write(exampleAnswers(resolveProfile(profile)), output);
  },

  async check(paths: readonly string[], options: AnswersOptions): Promise<void> {
    await demandRight(paths.map(readAnswers), forImage(options));
    console.log(paths.length === 1 ? `${paths[0]} is right.` : `${paths.length} files are right.`);
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
        found: mistakes.map((mistake) => `\n  - ${inWords(mistake)}`).join(""),
        hint: "./cbox answers check FILE looks at one of them",
      });
    }
    await write(String(merged), options.output);
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
    const answers = await checkedFleet(fleet, base, forImage(options));
    await mkdir(out, { recursive: true, mode: 0o700 });
    for (const [index, document] of answers.entries()) {
      const path = join(out, fileName(fleet, index, document));
      // An old file may be readable to all. Not synced one by one, which takes longer than all else together.
      await rm(path, { force: true });
      await writeFile(path, String(document), { ...PRIVATE, flag: "wx" });
    }
    console.log(`${answers.length} files in ${out}, each of them checked.`);
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

function forImage({ profile, community }: Pick<AnswersOptions, "profile" | "community">): ForImage {
  return { profile: resolveProfile(profile), ...(community ? { community } : {}) };
}

async function write(text: string, output: string | undefined): Promise<void> {
  if (output === undefined) process.stdout.write(text);
  else {
    await writeFileAtomic(output, text, PRIVATE);
    console.log(`Written to ${output}`);
  }
}
