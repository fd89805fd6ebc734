// SPDX-License-Identifier: GPL-3.0-or-later
// JSON Schema (ajv) with mistakes a person can act on: which field, what was found, what was expected, what to do.
// Three keywords of our own: `x-secret: true` (the value is never shown), `x-expected` (a good value, in words) and
// `x-verbatim: true` (spaces at the ends belong to the value).
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type FieldError, type Schema, toFieldError } from "./field-error.ts";

export { didYouMean } from "./did-you-mean.ts";
export { type FieldError, type FieldErrorCode, fieldPath, sentence } from "./field-error.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

/** Made when the first check is: most commands read their own help or one profile, and compile nothing else. */
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
    // The schemas are ours, and a unit test checks them; a check of each at each start costs more than compiling it.
    validateSchema: false,
    // Its optimiser takes longer than the checks that it would shorten.
    code: { optimize: false },
  });
  formats.default(compiler);
  return compiler;
}

/**
 * Compiles a schema (draft 2020-12). The check leaves its argument alone, fills in the schema's defaults in a copy,
 * and reports every mistake at once. It is compiled at its first use. `name` is what the data is called in messages, as
 * in "answers.yaml".
 */
export function compileSchema<T>(
  schema: object,
  { name }: { readonly name: string },
): (data: unknown) => Checked<T> {
  // $id is for editors; here each schema is compiled on its own, so that one may be compiled twice.
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
 * ajv reports "must match one of" and every mistake of every alternative. What helps is one of the two: the
 * alternative's own words if the schema has them (`x-expected`), else the mistakes of the nearest alternative.
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

/** One mistake of each kind per field; the last one ajv reports is the more exact one. */
function withoutRepeats(errors: readonly FieldError[]): readonly FieldError[] {
  return [...new Map(errors.map((error) => [`${error.field} ${error.code}`, error])).values()];
}
