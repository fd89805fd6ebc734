// SPDX-License-Identifier: GPL-3.0-or-later
// An answers file to begin with, made from the schema: every field with its explanation. What may be left out is
// commented out, and the password is for the person to choose.
import { stringify } from "yaml";
import type { ResolvedProfile } from "../profile/index.ts";
import { type FieldSchema, readAnswersSchema } from "./schema.ts";

const WIDTH = 100;

export function exampleAnswers(
  profile: Pick<ResolvedProfile, "id" | "title">,
  schema: FieldSchema = readAnswersSchema(),
): string {
  const { version, ...sections } = schema.properties ?? {};
  return [
    `# Answers for a box: ${profile.title}.`,
    "# On the partition CBOX-BOOT, under the name answers.yaml, they set the box up without a question.",
    "# Fields with a # right in front may be left out; take it away to use one, and those it stands below.",
    "# Check the file with: ./cbox answers check FILE",
    "",
    `version: ${String(version?.const ?? 1)}`,
    ...Object.entries(sections).flatMap(([name, section]) => [
      "",
      ...block(name, section, "", schema.required?.includes(name) ?? false),
    ]),
    "",
  ].join("\n");
}

/** `isOn`: written as it counts, not behind a #. */
function block(name: string, field: FieldSchema, indent: string, isOn: boolean): string[] {
  const comment = wrap(field.description ?? "", WIDTH - indent.length).map((line) => `${indent}# ${line}`);
  const mark = isOn ? "" : "#";
  if (field.properties) {
    const inner = Object.entries(field.properties).flatMap(([key, below]) =>
      block(key, below, `${indent}  `, isOn && isWanted(field, key, below)),
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
