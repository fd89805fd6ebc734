// SPDX-License-Identifier: GPL-3.0-or-later
// JSON Schema (ajv) with errors for people: the field, what was found, what was expected, what to do. Our keywords:
// `x-secret: true` (never shown), `x-expected` (a good value, in words), `x-verbatim: true` (outer spaces are part of
// the value).
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type FieldError, type Schema, toFieldError } from "./field-error.ts";

export { didYouMean } from "./did-you-mean.ts";
export { type FieldError, type FieldErrorCode, fieldPath, sentence } from "./field-error.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** Created at the first check: most commands do not compile any schema. */
let compiler: Ajv2020 | undefined;

function schemaCompiler(): Ajv2020 {
  if (compiler) return compiler;
  compiler = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    strictRequired: false,
    allowUnionTypes: true,
    discriminator: true,
    useDefaults: true,
    keywords: ["x-secret", "x-expected", "x-verbatim"],
    // Our schemas are checked by a unit test; checking each at every start takes longer than compiling it.
    validateSchema: false,
    // The optimiser takes longer than it saves.
    code: { optimize: false },
  });
  formats.default(compiler);
  return compiler;
}

/**
 * Compiles a schema (draft 2020-12) at its first use. The check does not change its argument, fills in defaults in a
 * copy, and reports all mistakes at once. `name` is the name of the data in messages, such as "answers.yaml".
 */
export function compileSchema<T>(
  schema: object,
  { name }: { readonly name: string },
): (data: unknown) => Checked<T> {
  // $id is for editors; without it the same schema can be compiled twice.
  const { $id: _id, $schema: _draft, ...rules } = schema as Schema;
  let validate: ValidateFunction | undefined;
  return (data) => {
    validate ??= schemaCompiler().compile(rules);
    const value: unknown = structuredClone(data);
    if (validate(value)) return { ok: true, value: value as T };
    const errors = withoutUmbrellas(validate.errors ?? []).map((error) => toFieldError(error, rules, name));
    return { ok: false, errors: withoutRepeats(errors) };
  };
}

/**
 * ajv reports "must match one of" and all mistakes of all alternatives. Keeps either the description of the
 * alternatives, if the schema has one (`x-expected`), or the mistakes of the nearest alternative.
 */
function withoutUmbrellas(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const umbrella = errors.find(({ keyword }) => keyword === "anyOf" || keyword === "oneOf");
  if (!umbrella) return errors.filter(({ keyword }) => keyword !== "if" && keyword !== "propertyNames");

  const { schemaPath, instancePath } = umbrella;
  const alternatives = new Map<string, ErrorObject[]>();
  const others: ErrorObject[] = [];
  for (const error of errors) {
    if (error === umbrella) continue;
    const [inside, branch = ""] = error.schemaPath.startsWith(`${schemaPath}/`)
      ? [
          error.instancePath.startsWith(instancePath),
          error.schemaPath.slice(schemaPath.length + 1).split("/")[0],
        ]
      : [false];
    if (inside) alternatives.set(branch, [...(alternatives.get(branch) ?? []), error]);
    else others.push(error);
  }
  const nearest = [...alternatives.values()].sort((a, b) => a.length - b.length)[0];
  const inWords = "x-expected" in ((umbrella.parentSchema ?? {}) as Schema);
  const kept = inWords || !nearest ? [{ ...umbrella, keyword: "alternatives" }] : nearest;
  return withoutUmbrellas([...others, ...kept]);
}

/** One mistake of each kind per field; the last one from ajv is the most exact one. */
function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  return [...new Map(errors.map((error) => [`${error.field} ${error.code}`, error])).values()];
}
