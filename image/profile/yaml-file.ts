// SPDX-License-Identifier: GPL-3.0-or-later
// A YAML file a person wrote: its data, and the line each value stands on, so that a mistake can be pointed at.
import { readFileSync } from "node:fs";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from "yaml";
import { fail } from "../../common/fail.ts";
import type { FieldError } from "../../common/schema.ts";
import { sentence } from "../../common/schema.ts";
import { textOf } from "../../common/text-encoding.ts";
import { shownPath } from "../host/paths.ts";

export interface YamlFile {
  /** The path as a person would type it. */
  readonly name: string;
  readonly data: unknown;
  /** Line of the value at this path, or of the nearest thing around it; from 1. */
  lineOf(path: readonly (string | number)[]): number;
}

/**
 * @param path must exist.
 * @throws Failure `text-encoding`, or `yaml-invalid`, naming every line that is not YAML.
 */
export function readYamlFile(path: string): YamlFile {
  const name = shownPath(path);
  const lines = new LineCounter();
  const document = parseDocument(textOf(readFileSync(path), name), {
    lineCounter: lines,
    prettyErrors: false,
  });
  const errors = [...document.errors, ...lostReferences(document)];
  if (errors.length > 0) {
    const places = errors.map((error) => `${name}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    fail({
      code: "yaml-invalid",
      what: `${name} is not valid YAML.`,
      found: listed(places),
      hint: cureFor(errors[0]!),
    });
  }

  const lineOf: YamlFile["lineOf"] = (segments) => {
    let here = document.contents as Node | null | undefined;
    let offset = 0;
    for (const segment of segments) {
      if (isAlias(here)) here = here.resolve(document);
      const next = childOf(here, segment);
      if (!next) break;
      offset = next.offset;
      here = next.value;
    }
    return lines.linePos(offset).line;
  };
  return { name, data: document.toJS(), lineOf };
}

/** A mistake with its place: `profiles/box.yaml:12: kernel.package: expected …`. */
export function placed(
  file: YamlFile,
  error: FieldError<string>,
  words: (error: FieldError<string>) => string = sentence,
): string {
  const path = (error.field.match(/[^.[\]]+/g) ?? []).map((part) =>
    /^\d+$/.test(part) ? Number(part) : part,
  );
  return `${file.name}:${file.lineOf(path)}: ${words(error)}`;
}

/** One finding stays on its line, several become a list. */
export function listed(findings: readonly string[]): string {
  return findings.length === 1 ? String(findings[0]) : findings.map((finding) => `\n  - ${finding}`).join("");
}

/** The parser takes them, and `toJS` throws. */
function lostReferences(document: Document.Parsed): Pick<YAMLError, "code" | "message" | "pos">[] {
  const lost: Pick<YAMLError, "code" | "message" | "pos">[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document)) return;
      const [from = 0, to = 0] = alias.range ?? [];
      lost.push({
        code: "BAD_ALIAS",
        message: `nothing is called &${alias.source} before it`,
        pos: [from, to],
      });
    },
  });
  return lost;
}

function childOf(
  parent: unknown,
  segment: string | number,
): { offset: number; value: Node | null } | undefined {
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment));
    return pair && { offset: (pair.key as Node).range?.[0] ?? 0, value: pair.value as Node | null };
  }
  if (isSeq(parent) && typeof segment === "number") {
    const item = parent.items[segment] as Node | undefined;
    return item && { offset: item.range?.[0] ?? 0, value: item };
  }
  return undefined;
}

function cureFor({ code, message }: Pick<YAMLError, "code" | "message">): string {
  // An unclosed bracket is reported as bad indentation of a "flow" collection.
  switch (message.startsWith("Flow") ? undefined : code) {
    case "TAB_AS_INDENT":
      return "indent with spaces; YAML does not allow tabs";
    case "DUPLICATE_KEY":
      return "each key may stand once; join the two";
    case "BAD_INDENT":
      return "entries of one mapping or list start in the same column";
    case "BAD_ALIAS":
      return "a text that begins with * needs quotes";
    default:
      return "look at the quotes, brackets, colons and indentation around that line";
  }
}
