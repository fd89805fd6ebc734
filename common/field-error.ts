// SPDX-License-Identifier: GPL-3.0-or-later
// One mistake in a document as text: converts ajv's errors to field, found, expected and hint. Values below a schema
// with `x-secret: true` never appear in the text.
import type { ErrorObject } from "ajv/dist/2020.js";
import { didYouMean } from "./did-you-mean.ts";
import type { mistakes } from "./errors/mistakes.ts";

export type FieldErrorCode = keyof typeof mistakes;

/** One mistake in the data. Safe to show and to log: it never contains a secret value. */
export interface FieldError<Code extends string = FieldErrorCode> {
  /** Path such as `network.address` or `consoles[1].device`; empty for the whole document. */
  readonly field: string;
  readonly found: string;
  readonly expected: string;
  readonly hint?: string;
  readonly code: Code;
}

export type Schema = Readonly<Record<string, unknown>>;
type Segment = string | number;

/** A mistake as sentences: `network.address: expected an address such as 10.1.2.3/27, found "10.1.2".` */
export function sentence({ field, expected, found, hint }: FieldError<string>): string {
  const where = field ? `${field}: ` : "";
  const cure = hint ? ` ${hint.charAt(0).toUpperCase()}${hint.slice(1)}${/[.?]$/.test(hint) ? "" : "."}` : "";
  return `${where}expected ${expected}, found ${found}.${cure}`;
}

/** A path in dotted form: `["consoles", 1, "device"]` is `consoles[1].device`. */
export function fieldPath(segments: readonly Segment[]): string {
  return segments.reduce<string>((path, segment) => {
    if (typeof segment === "number") return `${path}[${segment}]`;
    return path ? `${path}.${segment}` : segment;
  }, "");
}

/** `root`: the schema of the whole document; `name`: what the document is called. */
export function toFieldError(error: ErrorObject, root: Schema, name: string): FieldError {
  const schema = (error.parentSchema ?? {}) as Schema;
  const params = error.params as Schema;
  const path = segmentsOf(error.instancePath);
  const at = (...more: Segment[]) => fieldPath([...path, ...more]);
  const secret = holdsSecret(schema) || isBelowSecret(root, path);
  const found = secret ? "a value that is not shown here" : describeValue(error.data);
  const field = at();

  switch (error.keyword) {
    case "additionalProperties": {
      const key = String(params.additionalProperty);
      const known = Object.keys(propertiesOf(schema));
      const guess = didYouMean(key, known);
      return {
        field: at(key),
        found: "an unknown key",
        expected: known.length > 0 ? `only the keys ${known.join(", ")}` : "no keys",
        hint: guess ? `did you mean "${guess}"?` : `remove "${key}"`,
        code: "unknown-key",
      };
    }
    case "required":
    case "dependentRequired": {
      const key = String(params.missingProperty);
      const missing = propertiesOf(schema)[key] ?? {};
      return {
        field: at(key),
        found: "nothing",
        expected: describeSchema(missing),
        hint: `add "${key}"`,
        code: "missing",
      };
    }
    case "type":
    case "alternatives":
      return { field, found, expected: describeSchema(schema), code: "wrong-type" };
    case "enum": {
      const allowed = (params.allowedValues as readonly unknown[]).map(String);
      const guess = secret ? undefined : didYouMean(String(error.data), allowed);
      const hint = guess ? { hint: `did you mean "${guess}"?` } : {};
      return { field, found, expected: describeSchema(schema), ...hint, code: "not-allowed" };
    }
    case "const":
      return { field, found, expected: describeSchema(schema), code: "not-allowed" };
    case "discriminator": {
      const tag = String(params.tag);
      const allowed = ((schema.oneOf ?? []) as Schema[]).map((branch) =>
        String(propertiesOf(branch)[tag]?.const),
      );
      const guess = didYouMean(String(params.tagValue), allowed);
      return {
        field: at(tag),
        found: describeValue(params.tagValue),
        expected: `one of ${allowed.join(", ")}`,
        ...(guess ? { hint: `did you mean "${guess}"?` } : {}),
        code: params.tagValue === undefined ? "missing" : "not-allowed",
      };
    }
    case "pattern":
    case "format":
      return { field, found, expected: describeSchema(schema), code: "wrong-form" };
    case "uniqueItems": {
      const [first = 0, second = 0] = [Number(params.i), Number(params.j)].sort((a, b) => a - b);
      return {
        field: at(second),
        found: `the same entry as ${at(first)}`,
        expected: "each entry only once",
        hint: "remove one of the two",
        code: "duplicate",
      };
    }
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
    case "minLength":
    case "maxLength":
    case "minItems":
    case "maxItems":
      return { field, found, expected: describeLimit(schema, error), code: "out-of-range" };
    default:
      return {
        field,
        found,
        expected:
          textOf(schema, "x-expected") ?? `what ${name} allows here: it ${error.message ?? error.keyword}`,
        code: "invalid",
      };
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  null: "nothing",
};

/** What a schema requires, as text. */
function describeSchema(schema: Schema): string {
  const words = textOf(schema, "x-expected");
  if (words) return words;
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.join(", ")}`;
  if (schema.const !== undefined) return describeValue(schema.const);
  const types = [schema.type ?? []].flat().map((type) => TYPES[String(type)] ?? String(type));
  const [example] = Array.isArray(schema.examples) ? schema.examples : [];
  const kind = types.length > 0 ? types.join(" or ") : "a value";
  return example === undefined ? kind : `${kind} such as ${String(example)}`;
}

function describeLimit(schema: Schema, { keyword, params }: ErrorObject): string {
  const limit = Number((params as Schema).limit);
  const units = (one: string, many: string) => (limit === 1 ? `1 ${one}` : `${limit} ${many}`);
  switch (keyword) {
    case "minLength":
      return `at least ${units("character", "characters")}`;
    case "maxLength":
      return `at most ${units("character", "characters")}`;
    case "minItems":
      return `a list with at least ${units("entry", "entries")}`;
    case "maxItems":
      return `a list with at most ${units("entry", "entries")}`;
    default: {
      const { minimum, maximum } = schema;
      if (minimum !== undefined && maximum !== undefined) return `a number from ${minimum} to ${maximum}`;
      const comparison = String((params as Schema).comparison);
      return `a number ${{ ">=": "of at least", "<=": "of at most", ">": "above", "<": "below" }[comparison]} ${limit}`;
    }
  }
}

const LONGEST_QUOTE = 60;

function describeValue(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object") return "a mapping";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}…` : value);
}

function textOf(schema: Schema, keyword: string): string | undefined {
  const text = schema[keyword];
  return typeof text === "string" ? text : undefined;
}

function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> {
  return (schema.properties ?? {}) as Record<string, Schema>;
}

/** A JSON pointer as path segments: `/consoles/1/device`. */
function segmentsOf(pointer: string): Segment[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Whether a value of this schema may contain a secret, at any depth. */
function holdsSecret(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  return (schema as Schema)["x-secret"] === true || Object.values(schema).some(holdsSecret);
}

/** Whether a value at this path is, or is inside of, a secret, in any alternative of the schema. */
function isBelowSecret(root: Schema, path: readonly Segment[]): boolean {
  let here = alternativesOf(root, root);
  for (const segment of path) {
    const below = here.map((schema) =>
      typeof segment === "number"
        ? schema.items
        : (propertiesOf(schema)[segment] ?? schema.additionalProperties),
    );
    here = below.flatMap((schema) => alternativesOf(schema, root));
    if (here.some((schema) => schema["x-secret"] === true)) return true;
  }
  return false;
}

function alternativesOf(schema: unknown, root: Schema): Schema[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { $ref, anyOf, oneOf, allOf, ...rest } = schema as Schema;
  const target = typeof $ref === "string" ? definition(root, $ref) : undefined;
  const branches = [anyOf, oneOf, allOf, rest.then, rest.else]
    .flat()
    .filter((branch) => branch !== undefined);
  return [schema as Schema, ...[...branches, target].flatMap((branch) => alternativesOf(branch, root))];
}

function definition(root: Schema, ref: string): unknown {
  return segmentsOf(ref.replace(/^#/, "")).reduce<unknown>(
    (here, key) => (here as Schema | undefined)?.[key],
    root,
  );
}
