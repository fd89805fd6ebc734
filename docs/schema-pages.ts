// SPDX-License-Identifier: GPL-3.0-or-later
// docs/reference/{answers,profile,community,service}.md: the fields of each kind of file, from its JSON Schema.

import { communitySchema } from "../common/community.ts";
import { serviceSchema } from "../common/service.ts";
import { languages } from "../firstboot/i18n/translate.ts";
import { answersSchema } from "../firstboot/setup/answers/schema.ts";
import { allSteps } from "../firstboot/steps/index.ts";
import { profileFileSchema } from "../image/profile/schema.ts";

/** What these pages use of a JSON Schema. */
interface Field {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
  readonly items?: Field;
  readonly additionalProperties?: boolean | Field;
  readonly anyOf?: readonly Field[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly "x-expected"?: string;
}

interface Row {
  readonly path: string;
  readonly field: Field;
  readonly isRequired: boolean;
}

const PAGES = [
  {
    name: "answers",
    title: "answers.yaml",
    schema: answersSchema(allSteps),
    about: "A file of answers sets a box up without questions: [set-up](../guides/set-up.md).",
  },
  {
    name: "profile",
    title: "Profile",
    schema: profileFileSchema,
    about: "One YAML file in `profiles/` for each hardware target, which continues that of its `parent`.",
  },
  {
    name: "community",
    title: "Community",
    schema: communitySchema,
    about:
      "One YAML file in `profiles/communities/` for each community: its servers, addresses and defaults.",
  },
  {
    name: "service",
    title: "service.yaml",
    schema: serviceSchema,
    about: "One file in each folder of `overlays/services/`: [adding a service](../adding-a-service.md).",
  },
] as const;

/** The pages by their path in the project. */
export function schemaPages(): [string, string][] {
  return PAGES.map(({ name, title, schema, about }) => [
    `docs/reference/${name}.md`,
    `# ${title}\n\n${about} Written by \`npm run docs\` from \`profiles/schemas/${name}.schema.json\`, which editors\n` +
      `understand. An asterisk marks what must be there, \`NAME\` a name that the writer chooses, and \`[]\` each entry of\na list.\n\n` +
      `| field | value | what it is |\n|---|---|---|\n${rowsOf(schema as Field)
        .map(line)
        .join("")}`,
  ]);
}

function rowsOf(field: Field, path = ""): Row[] {
  if (isTranslated(field)) return [];
  const { properties = {}, required = [], items, additionalProperties, anyOf = [] } = field;
  const inner = (name: string) => (path ? `${path}.${name}` : name);
  return [
    ...Object.entries(properties).flatMap(([name, each]) => [
      { path: inner(name), field: each, isRequired: required.includes(name) },
      ...rowsOf(each, inner(name)),
    ]),
    ...(typeof additionalProperties === "object"
      ? [
          { path: inner("NAME"), field: additionalProperties, isRequired: false },
          ...rowsOf(additionalProperties, inner("NAME")),
        ]
      : []),
    ...(items ? rowsOf(items, `${path}[]`) : []),
    ...anyOf.flatMap((each) => rowsOf(each, path)),
  ];
}

function line({ path, field, isRequired }: Row): string {
  const cells = [`\`${path}\`${isRequired ? " *" : ""}`, valueText(field), field.description ?? ""];
  return `| ${cells.map((cell) => inTable(cell)).join(" | ")} |\n`;
}

/** On one line, and without what Markdown would take for the end of a cell or for HTML. */
function inTable(cell: string): string {
  return cell.replace(/\s+/g, " ").replaceAll("|", "\\|").replaceAll("<", "&lt;").trim();
}

function valueText(field: Field): string {
  const given = field.default === undefined ? "" : `; else ${code(field.default)}`;
  return `${kindOf(field)}${given}`;
}

/** A text in each language of the box: one field to a reader. */
function isTranslated({ properties = {} }: Field): boolean {
  return Object.keys(properties).join() === languages.join();
}

function kindOf(field: Field): string {
  return isTranslated(field) ? `text in ${languages.map(code).join(", ")}` : simpleKind(field);
}

function simpleKind({ type, enum: values, const: only, items, anyOf, ...field }: Field): string {
  if (only !== undefined) return code(only);
  if (values) return values.map(code).join(", ");
  if (field["x-expected"]) return field["x-expected"];
  if (items) return `list: ${kindOf(items)}`;
  if (anyOf) return anyOf.map(kindOf).join(", or ");
  return [type ?? "map"].flat().join(" or ").replace("object", "map").replace("array", "list");
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
