// SPDX-License-Identifier: GPL-3.0-or-later
// A list of boxes (CSV) on top of one answers file: a row for each box, a column for each field that differs. Rows
// and columns have the names of a spreadsheet: the header is row 1.
import { readFileSync } from "node:fs";
import { CsvError, parse } from "csv-parse/sync";
import type { Document } from "yaml";
import { didYouMean } from "../../common/did-you-mean.ts";
import { fail } from "../../common/fail.ts";
import { decodeText } from "../../common/text-encoding.ts";
import { shownPath } from "../host/paths.ts";
import { listed } from "../profile/yaml-file.ts";
import { setAnswer } from "./merge.ts";
import { type FieldSchema, fieldsOf } from "./schema.ts";

export interface Fleet {
  /** The list, as the person knows it. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface Column {
  /** A, B, … AA. */
  readonly letter: string;
  /** Such as system.hostname. */
  readonly field: string;
}

export interface Row {
  /** As a spreadsheet counts: the first box is row 2. */
  readonly number: number;
  /** Fields of answers and their values; an empty cell leaves what the base says. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** Fields of which no two boxes may have the same. */
export const UNIQUE = ["system.hostname", "network.address"] as const;

/**
 * @throws Failure `fleet-invalid`, with every mistake by row and column
 */
export function readFleet(path: string): Fleet {
  const name = shownPath(path);
  const bytes = readBytes(path, name);
  const decoded = decodeText(bytes);
  if ("encoding" in decoded) {
    const { encoding, line } = decoded;
    refuse(name, [`it is saved as ${encoding}, not as UTF-8; line ${line}`], 'save it again as "CSV UTF-8"');
  }
  const [header = [], ...records] = split(decoded.text, name);
  const fields = fieldsOf();
  const columns = header.map((word, index) => ({ letter: letterOf(index), field: word.trim() }));
  const wrong = columns.flatMap((column, index) => headerMistakes(column, columns.slice(0, index), fields));
  if (wrong.length > 0)
    refuse(name, wrong, "the header names fields of answers; ./cbox answers new shows them all");

  const mistakes: string[] = [];
  const rows = records.flatMap((cells, index): Row[] => {
    const number = index + 2;
    if (cells.every((cell) => cell.trim() === "")) return [];
    if (cells.length > columns.length) {
      mistakes.push(`row ${number}: ${cells.length} cells, but the header has ${columns.length} columns`);
    }
    const values = new Map<string, unknown>();
    for (const [at, { letter, field }] of columns.entries()) {
      const rules = fields.get(field)!;
      const written = cells[at] ?? "";
      if (written.trim() === "") continue;
      const isVerbatim = rules["x-verbatim"] === true || rules["x-secret"] === true;
      const cell = isVerbatim ? written : written.trim();
      const value = cellValue(cell, rules);
      if (value === undefined)
        mistakes.push(`row ${number}, column ${letter} (${field}): ${expectedOf(cell, rules)}`);
      else values.set(field, value);
    }
    return [{ number, values }];
  });
  if (mistakes.length > 0) refuse(name, mistakes, "correct these cells");
  if (rows.length === 0) refuse(name, ["no row with a box"], "one row for each box, below the header");
  return { name, columns, rows };
}

/** @throws Failure `fleet-row-missing` */
export function rowOf({ name, rows }: Fleet, number: number): Row {
  const row = rows.find((each) => each.number === number);
  if (row) return row;
  return fail({
    code: "fleet-row-missing",
    what: number === 1 ? `Row 1 of ${name} is its header.` : `${name} has no box in row ${number}.`,
    found: `boxes in rows ${rows[0]!.number} to ${rows.at(-1)!.number}`,
    hint: "--row counts as a spreadsheet does; the first box is in row 2",
  });
}

/** The answers of one box. */
export function answersOf(base: Document, row: Row): Document {
  const answers = base.clone() as Document;
  for (const [field, value] of row.values) setAnswer(answers, field.split("."), value);
  return answers;
}

/** Sentences about boxes that have the same name or address. */
export function twins(fleet: Fleet, answers: readonly Document[]): string[] {
  return UNIQUE.flatMap((field) => {
    const rows = new Map<string, number[]>();
    for (const [index, { number }] of fleet.rows.entries()) {
      const value = answers[index]!.getIn(field.split("."));
      if (value === undefined || value === null) continue;
      // Addresses with different prefixes and names with different capitals still conflict.
      const key = String(value).toLowerCase().replace(/\/.*$/, "");
      rows.set(key, [...(rows.get(key) ?? []), number]);
    }
    return [...rows]
      .filter(([, numbers]) => numbers.length > 1)
      .map(
        ([value, numbers]) =>
          `rows ${shortList(numbers)}${columnOf(fleet, field)}: ${field} is ${value} in all of them`,
      );
  });
}

/** `, column B` where the list has such a column. */
export function columnOf({ columns }: Fleet, field: string): string {
  // A mistake in one entry of a list is in the cell of the list.
  const column = columns.find((each) => each.field === field || field.startsWith(`${each.field}[`));
  return column ? `, column ${column.letter}` : "";
}

export function refuse(name: string, mistakes: readonly string[], hint: string): never {
  return fail({
    code: "fleet-invalid",
    what: `The list ${name} has ${mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`}; nothing was done.`,
    found: listed(mistakes),
    hint,
  });
}

function readBytes(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    return fail(
      {
        code: "fleet-unreadable",
        what: `The list ${name} cannot be read.`,
        found: (error as Error).message,
        hint: "look at its name",
      },
      { cause: error },
    );
  }
}

/** Excel's separator line, before the header; Excel does not count it as a row. */
const SEPARATOR_LINE = /^\ufeff?"?sep=(.)"?\r?\n/i;

function split(written: string, name: string): string[][] {
  const [line = "", separator] = SEPARATOR_LINE.exec(written) ?? [];
  const text = written.slice(line.length);
  try {
    return parse(text, {
      bom: true,
      delimiter: separator ?? delimiterOf(text),
      relax_column_count: true,
      skip_empty_lines: false,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return refuse(name, [error.message], "look at the quotes around that line");
  }
}

/** Spreadsheets in many European languages write semicolons. No name of a field contains one. */
function delimiterOf(text: string): string {
  const header = text.split(/[\r\n]/, 1)[0] ?? "";
  return [";", "\t"].find((sign) => header.includes(sign)) ?? ",";
}

function headerMistakes(
  { letter, field }: Column,
  before: readonly Column[],
  fields: ReadonlyMap<string, FieldSchema>,
): string[] {
  const at = `row 1, column ${letter}`;
  if (field === "") return [`${at}: a column without a name`];
  const twin = before.find((each) => each.field === field);
  if (twin) return [`${at}: ${field} is in column ${twin.letter} already`];
  if (fields.has(field) && field !== "version") return [];
  const guess = didYouMean(field, [...fields.keys()]);
  return [`${at}: there is no field ${field}.${guess ? ` Did you mean ${guess}?` : ""}`];
}

/** What spreadsheets write for true and false in the languages of our neighbours, and what people type. */
const YES = words("1 true yes cert vertader sí si verdadero vrai oui vero verdadeiro sim wahr ja");
const NO = words("0 false no fals falso faux non não falsch nein");

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}

/** A cell as the field wants it; undefined when it cannot be. Entries of a list stand between bars. */
function cellValue(cell: string, { type, items }: FieldSchema): unknown {
  const kinds = [type].flat();
  const isWhole = /^-?\d{1,15}$/.test(cell);
  if (kinds.includes("array"))
    return items?.type === "string" ? cell.split("|").map((each) => each.trim()) : undefined;
  if (kinds.includes("boolean")) {
    const word = cell.normalize("NFC").toLowerCase();
    return YES.has(word) ? true : NO.has(word) ? false : undefined;
  }
  if (kinds.includes("integer") && isWhole) return Number(cell);
  return kinds.includes("string") ? cell : undefined;
}

function expectedOf(cell: string, field: FieldSchema): string {
  const found = field["x-secret"] ? "a value that is not shown here" : JSON.stringify(cell);
  const [kind] = [field.type].flat();
  const words: Readonly<Record<string, string>> = {
    boolean: "true or false",
    integer: "a whole number",
    array: "what does not fit into a cell; put it into the base file",
  };
  return `expected ${words[kind ?? ""] ?? "a text"}, found ${found}`;
}

function letterOf(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : letterOf(Math.floor(index / 26) - 1) + last;
}

function shortList(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 5).join(", ");
  return numbers.length > 5 ? `${shown} and ${numbers.length - 5} more` : shown;
}
