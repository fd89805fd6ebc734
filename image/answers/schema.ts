// SPDX-License-Identifier: GPL-3.0-or-later
// The published schema of answers.yaml, as a tree of fields: what an example shows and a list's columns may name.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROFILES } from "../host/paths.ts";

export interface FieldSchema {
  readonly type: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly examples?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
  readonly "x-secret"?: boolean;
  readonly "x-verbatim"?: boolean;
}

export function readAnswersSchema(): FieldSchema {
  return JSON.parse(readFileSync(join(PROFILES, "schemas/answers.schema.json"), "utf8")) as FieldSchema;
}

/** Every field that holds a value, by its dotted path. A list counts as one field. */
export function fieldsOf(schema: FieldSchema = readAnswersSchema()): ReadonlyMap<string, FieldSchema> {
  const walk = (at: string, field: FieldSchema): [string, FieldSchema][] =>
    field.properties
      ? Object.entries(field.properties).flatMap(([name, inner]) => walk(at ? `${at}.${name}` : name, inner))
      : [[at, field]];
  return new Map(walk("", schema));
}
