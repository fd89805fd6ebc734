// SPDX-License-Identifier: GPL-3.0-or-later
// A profile's files from the oldest ancestor down to itself, each checked alone, and what they make together.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { compileSchema, didYouMean, type FieldError } from "../../common/schema.ts";
import { merge, nothing, type Tracked, track } from "./merge.ts";
import { profileFileSchema, profileSchema } from "./schema.ts";
import { listed, placed, readYamlFile, type YamlFile } from "./yaml-file.ts";

/** The content of a single file; it passed `profileFileSchema`. */
export interface ProfileFile {
  readonly id: string;
  readonly file: YamlFile;
  readonly data: Readonly<Record<string, unknown>> & {
    readonly title: string;
    readonly description?: string;
    readonly abstract?: boolean;
    readonly parent?: string;
  };
}

/** Keys that describe the file itself; a child does not inherit them. */
const OWN_KEYS: readonly string[] = ["id", "title", "description", "abstract", "parent"];

const checkFile = compileSchema<ProfileFile["data"]>(profileFileSchema, { name: "a profile" });

/** Directories of profiles; the first one that has a profile wins. */
export type ProfileDirs = readonly string[];

/** Names of the profiles in the directories, sorted. */
export function profileIds(dirs: ProfileDirs): readonly string[] {
  const files = dirs.flatMap((dir) => readdirSync(dir)).filter((name) => name.endsWith(".yaml"));
  return [...new Set(files.map((name) => name.slice(0, -".yaml".length)))].sort();
}

const fileOf = (id: string, dirs: ProfileDirs) =>
  dirs.map((dir) => join(dir, `${id}.yaml`)).find((path) => existsSync(path));

/**
 * The files of the chain, oldest ancestor first.
 * @throws Failure `profile-unknown`, `profile-parent-unknown`, `profile-cycle`, `yaml-invalid`, or `profile-invalid`
 * with every mistake of every file in the chain.
 */
export function loadChain(id: string, dirs: ProfileDirs): readonly ProfileFile[] {
  const chain: ProfileFile[] = [];
  const mistakes: string[] = [];
  let next: string | undefined = known(id, dirs);
  while (next !== undefined) {
    const current: string = next;
    const file = readYamlFile(fileOf(current, dirs)!);
    mistakes.push(...mistakesOf(file, current).map((error) => placed(file, error)));
    const data = (file.data ?? {}) as ProfileFile["data"];
    chain.unshift({ id: current, file, data });
    next = typeof data.parent === "string" ? parentOf(current, data.parent, file, chain, dirs) : undefined;
  }
  failWithMistakes(id, mistakes);
  return chain;
}

/**
 * The chain as one value whose leaves know their origin; not yet checked for being complete.
 * @throws Failure `profile-invalid` where a file removes what its parent does not have.
 */
export function mergeChain(chain: readonly ProfileFile[]): Tracked {
  const strays: string[] = [];
  let merged: Tracked = nothing;
  for (const { file, data } of chain) {
    const own = track(data, (path) => ({ file: file.name, line: file.lineOf(path) }));
    merged = merge(withoutOwnKeys(merged), own, profileSchema, ({ value, origin }) => {
      const entry = String(value).slice(1);
      strays.push(
        `${origin.file}:${origin.line}: "${value}" takes ${entry} off the parent's list, but it is not there.`,
      );
    });
  }
  failWithMistakes(String(chain.at(-1)?.id), strays);
  return merged;
}

/** @throws Failure `profile-invalid` if there are any. */
export function failWithMistakes(id: string, mistakes: readonly string[]): void {
  if (mistakes.length === 0) return;
  fail({
    code: "profile-invalid",
    what: `The profile "${id}" has ${mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`}.`,
    found: listed(mistakes),
    hint: `correct the file, then look at the result with: ./cbox profile show ${id}`,
  });
}

function known(id: string, dirs: ProfileDirs): string {
  const ids = profileIds(dirs);
  if (ids.includes(id)) return id;
  const guess = didYouMean(id, ids);
  return fail({
    code: "profile-unknown",
    what: `There is no profile "${id}"${guess ? `; did you mean "${guess}"?` : "."}`,
    found: `the profiles ${ids.join(", ")}`,
    hint: "./cbox profiles",
  });
}

function parentOf(
  id: string,
  parent: string,
  file: YamlFile,
  chain: readonly ProfileFile[],
  dirs: ProfileDirs,
): string {
  const place = `${file.name}:${file.lineOf(["parent"])}`;
  if (chain.some((link) => link.id === parent)) {
    const circle = [...chain.map((link) => link.id).reverse(), parent].join(" -> ");
    fail({
      code: "profile-cycle",
      what: `The profile "${id}" is its own ancestor.`,
      found: `${place}: ${circle}`,
      hint: "remove or change one of these parent lines",
    });
  }
  if (!fileOf(parent, dirs)) {
    const guess = didYouMean(parent, profileIds(dirs));
    fail({
      code: "profile-parent-unknown",
      what: `The profile "${id}" continues "${parent}", which does not exist.`,
      found: `${place}: parent: ${parent}`,
      hint: guess
        ? `did you mean "${guess}"?`
        : `write ${parent}.yaml, or choose one of: ${profileIds(dirs).join(", ")}`,
    });
  }
  return parent;
}

function mistakesOf(file: YamlFile, id: string): readonly FieldError[] {
  const checked = checkFile(file.data ?? {});
  if (!checked.ok) return checked.errors;
  if (checked.value.id === id) return [];
  return [
    {
      field: "id",
      found: `"${checked.value.id}"`,
      expected: `"${id}", the name of the file`,
      hint: "rename the file or change the id",
      code: "not-allowed",
    },
  ];
}

function withoutOwnKeys(tracked: Tracked): Tracked {
  if (tracked.kind !== "map") return tracked;
  return { kind: "map", entries: new Map([...tracked.entries].filter(([key]) => !OWN_KEYS.includes(key))) };
}
