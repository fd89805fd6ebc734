// SPDX-License-Identifier: GPL-3.0-or-later
// Answers laid over answers: maps merge field by field, everything else (lists too) is taken from the later file.
// The comments of the first file stay.
import { readFileSync } from "node:fs";
import { type Document, isMap, parseDocument } from "yaml";
import { Failure, fail } from "../../common/fail.ts";
import { textOf } from "../../common/text-encoding.ts";
import { readYamlFile, type YamlFile } from "../profile/yaml-file.ts";

/** @throws Failure `answers-unreadable`, `text-encoding`, `yaml-invalid` */
export function readAnswers(path: string): YamlFile {
  try {
    return readYamlFile(path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    return fail(
      {
        code: "answers-unreadable",
        what: `The answers file ${path} cannot be read.`,
        found: (error as Error).message,
        hint: "look at its name",
      },
      { cause: error },
    );
  }
}

/**
 * A file of answers, to be changed.
 * @throws Failure `answers-unreadable`, `text-encoding`, `yaml-invalid`
 */
export function openAnswers(path: string): Document {
  // It throws the messages about invalid YAML.
  const { name } = readAnswers(path);
  return parseDocument(textOf(readFileSync(path), name));
}

/** Changes `base`. An empty value (null) in `over` takes the field away. */
export function layOver(base: Document, over: unknown): void {
  for (const [path, value] of leaves(over, [])) setAnswer(base, path, value);
}

/** Sets one field; null takes it away. */
export function setAnswer(base: Document, path: readonly string[], value: unknown): void {
  if (value === null) {
    if (base.hasIn(path)) base.deleteIn(path);
    return;
  }
  // "network:" with nothing below it is a field without a value, and no place to put something in.
  for (let length = 1; length < path.length; length += 1) {
    const parent = path.slice(0, length);
    if (!isMap(base.getIn(parent, true))) base.setIn(parent, base.createNode({}));
  }
  base.setIn(path, typeof value === "object" ? base.createNode(value) : value);
}

function leaves(data: unknown, at: readonly string[]): [readonly string[], unknown][] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return at.length ? [[at, data]] : [];
  return Object.entries(data).flatMap(([key, value]) => leaves(value, [...at, key]));
}
