// SPDX-License-Identifier: GPL-3.0-or-later
// An answers file to begin with, made from the schema: every field with its explanation. What may be left out is
// commented out, and the password is for the person to choose.
import { stringify } from "yaml";
import type { ResolvedProfile } from "../profile/index.ts";
import { type FieldSchema, readAnswersSchema } from "./schema.ts";
import { setUpWords, type WordsOf } from "./words.ts";

const WIDTH = 100;

/** Name of the file on CBOX-BOOT of every image, for people who flash it without this project. */
export const EXAMPLE_FILE = "answers.example.yaml";

const HEAD = [
  "On the partition CBOX-BOOT, under the name answers.yaml, they set the box up without a question.",
  "Fields with a # right in front may be left out; take it away to use one, and those it stands below.",
];
/** Introduction for a person who opens the file on the card, in the languages of the box. */
const ON_THE_CARD = [
  "Copy this file, on this same partition, as answers.yaml, and fill that in. The box reads nothing else, and wipes its",
  "passwords once it has used them. Save it as UTF-8.",
  "",
  "ca: Copia aquest fitxer, en aquesta mateixa partició, amb el nom answers.yaml, i omple'l. Els camps amb un # just al",
  "davant es poden deixar; per fer-ne servir un, treu el # i els de les seccions on es troba. Desa'l en UTF-8.",
  "",
  "es: Copia este archivo, en esta misma partición, con el nombre answers.yaml, y rellénalo. Los campos con un # justo",
  "delante se pueden dejar; para usar uno, quita el # y los de las secciones donde se encuentra. Guárdalo en UTF-8.",
];

/** The file that lies on every image: in three languages, with the line ends that every editor of Windows shows. */
export function exampleOnCard(profile: Pick<ResolvedProfile, "id" | "title">): string {
  return example(profile, readAnswersSchema(), ON_THE_CARD, setUpWords()).replaceAll("\n", "\r\n");
}

export function exampleAnswers(
  profile: Pick<ResolvedProfile, "id" | "title">,
  schema: FieldSchema = readAnswersSchema(),
): string {
  return example(profile, schema, ["Check the file with: ./cbox answers check FILE"], () => []);
}

function example(
  profile: Pick<ResolvedProfile, "id" | "title">,
  schema: FieldSchema,
  words: readonly string[],
  wordsOf: WordsOf,
): string {
  const { version, ...sections } = schema.properties ?? {};
  return [
    `# Answers for a box: ${profile.title}.`,
    ...[...HEAD, ...words].map((line) => `# ${line}`.trimEnd()),
    "",
    `version: ${String(version?.const ?? 1)}`,
    ...Object.entries(sections).flatMap(([name, section]) => [
      "",
      ...block(name, section, "", schema.required?.includes(name) ?? false, wordsOf),
    ]),
    "",
  ].join("\n");
}

/** `isOn`: written as it counts, not behind a #. */
function block(path: string, field: FieldSchema, indent: string, isOn: boolean, wordsOf: WordsOf): string[] {
  const name = path.split(".").at(-1) ?? path;
  const comment = [field.description ?? "", ...wordsOf(path)]
    .flatMap((text) => wrap(text, WIDTH - indent.length))
    .map((line) => `${indent}# ${line}`);
  const mark = isOn ? "" : "#";
  if (field.properties) {
    const inner = Object.entries(field.properties).flatMap(([key, below]) =>
      block(`${path}.${key}`, below, `${indent}  `, isOn && isWanted(field, key, below), wordsOf),
    );
    return [...comment, `${indent}${mark}${name}:`, ...inner];
  }
  const [value] = field["x-secret"] ? [""] : (field.examples ?? field.enum ?? [placeholder(field)]);
  const text = stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
  return [...comment, `${indent}${mark}${name}: ${text}`];
}

/** Required fields, and the password: there is none unless the person chooses one. */
function isWanted({ required }: FieldSchema, key: string, field: FieldSchema): boolean {
  return (required?.includes(key) ?? false) || (required !== undefined && field["x-secret"] === true);
}

function placeholder({ type, minimum = 1 }: FieldSchema): unknown {
  const [kind] = [type].flat();
  return { boolean: true, integer: minimum, array: [] }[kind ?? ""] ?? "";
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
