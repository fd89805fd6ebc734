// SPDX-License-Identifier: GPL-3.0-or-later
// Removes secrets from a file that a person wrote: exactly from valid YAML; from anything else with all that may
// belong to them. All secrets are located in the original text first; only then is the text changed.

import type { Alias, Document, Node, Pair } from "yaml";
import { didYouMean } from "../../../common/did-you-mean.ts";
import { decodeText } from "../../../common/text-encoding.ts";

export interface SecretFields {
  /** Paths of the secrets, such as ["system", "owner", "password"]. */
  readonly paths: readonly (readonly string[])[];
  /**
   * Names of all fields that a file may have. The next such name marks the end of a field's value. In valid YAML a
   * field with any other name may hold a secret, and is removed, too.
   */
  readonly known?: ReadonlySet<string>;
}

export interface Redacted<Content> {
  /** The same length in bytes, with spaces in place of the secrets. */
  readonly blotted: Content;
  /** The file to keep. */
  readonly clean: Content;
}

const NOTE = " The box has wiped the secrets from this file after using them.";

/** For a file in any encoding; one that is not UTF-8 keeps its encoding. */
export async function redactBytes(bytes: Uint8Array, fields: SecretFields): Promise<Redacted<Buffer>> {
  const decoded = decodeText(bytes);
  if ("text" in decoded) {
    const { blotted, clean } = await redact(decoded.text, fields);
    return { blotted: Buffer.from(blotted), clean: Buffer.from(clean) };
  }
  const { text, encode } = decoded.encoding === "UTF-16" ? utf16(bytes) : latin1(bytes);
  const { ranges } = await findSecrets(text, namesOf(fields));
  const blotted = encode(blot(text, ranges, (sign) => " ".repeat(sign.length)));
  return { blotted, clean: blotted };
}

/** For a text that is stored as UTF-8. */
export async function redact(text: string, fields: SecretFields): Promise<Redacted<string>> {
  const names = namesOf(fields);
  const { ranges, comments, isYaml } = await findSecrets(text, names);
  if (ranges.length === 0) return { blotted: text, clean: text };
  const blotted = blot(text, ranges, spaces);
  if (!isYaml) return { blotted, clean: blotted };
  return { blotted, clean: await without(blot(text, comments, spaces), names) };
}

/** From inclusive, to exclusive, in UTF-16 code units of the text. */
type Range = readonly [from: number, to: number];

interface Found {
  readonly ranges: readonly Range[];
  /** The ranges that are in comments. */
  readonly comments: readonly Range[];
  readonly isYaml: boolean;
}

async function findSecrets(text: string, names: Names): Promise<Found> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  if (document.errors.length > 0) return { ranges: findByName(text, names), comments: [], isYaml: false };
  const secrets = await secretNodes(document, names);
  const comments = await findInComments(text, secrets.values, names);
  return { ranges: [...secrets.ranges, ...comments], comments, isYaml: true };
}

/** The file without its secrets, with a comment that says so. */
async function without(text: string, names: Names): Promise<string> {
  const { parseDocument, visit, isPair } = await import("yaml");
  const document = parseDocument(text);
  const { isSecret } = await secretNodes(document, names);
  visit(document, {
    Pair: (_key, pair) => (isSecret(pair) ? visit.REMOVE : undefined),
    Node: (_key, node, path) => (isSecret(node) && !isPair(path.at(-1)) ? visit.REMOVE : undefined),
  });
  document.commentBefore = document.commentBefore ? `${document.commentBefore}\n${NOTE}` : NOTE;
  return document.toString();
}

interface SecretNodes {
  readonly ranges: readonly Range[];
  /** Secret values and parts of them, as text. */
  readonly values: ReadonlySet<string>;
  /** Whether this has to be removed: a field with a secret, or a value that is one. */
  isSecret(part: Node | Pair): boolean;
}

/** Fields with the name of a secret, at any depth, and what they refer to; also all that refers to the same. */
async function secretNodes(document: Document, names: Names): Promise<SecretNodes> {
  const { visit, isAlias, isNode, isScalar, isPair } = await import("yaml");
  const roots = new Set<Node>();
  const pairs = new Set<Pair>();
  const anchors = new Set<string>();
  const take = (node: Node) => {
    roots.add(node);
    visit(node, {
      Alias: (_key, { source }: Alias) => void anchors.add(source),
      Value: (_key, { anchor }) => void (anchor && anchors.add(anchor)),
    });
  };
  const referredTo = new Set<string>();
  visit(document, { Alias: (_key, { source }: Alias) => void referredTo.add(source) });
  visit(document, {
    Pair(_key, pair) {
      if (!isScalar(pair.key)) return;
      const name = String(pair.key.value);
      // A value that another field refers to belongs to that field, whatever its own name is.
      const isElsewhere =
        isNode(pair.value) && !isAlias(pair.value) && referredTo.has(pair.value.anchor ?? "");
      if (!names.isSecret(name) && (isElsewhere || !names.isUnknown(name))) return;
      pairs.add(pair);
      if (isNode(pair.value)) take(pair.value);
    },
  });
  // Values found through an anchor may contain further anchors.
  for (let before = -1; before !== roots.size; ) {
    before = roots.size;
    visit(document, {
      Alias: (_key, node) => void (anchors.has(node.source) && roots.add(node)),
      Value: (_key, node) => void (node.anchor && anchors.has(node.anchor) && take(node)),
    });
  }
  const values = new Set<string>();
  for (const root of roots) {
    visit(root, { Scalar: (_key, { value, source }) => void values.add(String(value)).add(source ?? "") });
  }
  const isRoot = (part: unknown) => isNode(part) && roots.has(part);
  return {
    ranges: [...roots].flatMap((node) =>
      !isAlias(node) && node.range ? [[node.range[0], node.range[1]] as const] : [],
    ),
    values,
    isSecret: (part) =>
      isPair(part) ? pairs.has(part) || isRoot(part.value) || isRoot(part.key) : isRoot(part),
  };
}

/** Shorter texts appear in a comment by chance. */
const SHORTEST_IN_COMMENT = 4;

/** People note a secret in a comment, or comment out an old one. */
async function findInComments(text: string, values: ReadonlySet<string>, names: Names): Promise<Range[]> {
  const { Lexer, CST } = await import("yaml");
  const parts = [...values].flatMap((value) => value.split(/[\r\n]+/)).map((line) => line.trim());
  const wanted = parts.filter((part) => part.length >= SHORTEST_IN_COMMENT);
  const ranges: Range[] = [];
  let at = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // Markers that the lexer adds; they are not part of the text.
    if (lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END || lexeme === CST.SCALAR) continue;
    if (CST.tokenType(lexeme) === "comment") {
      for (const [from, to] of inComment(lexeme, wanted, names)) ranges.push([at + from, at + to]);
    }
    at += lexeme.length;
  }
  return ranges;
}

function inComment(comment: string, wanted: readonly string[], names: Names): Range[] {
  const named = [...comment.matchAll(/([\p{L}\p{N}_-]+)["']?[ \t]*[:=][ \t]*(?![ \t]|(?:""|'')?[ \t]*$)/gu)]
    .filter(([, word = ""]) => names.isSecret(word))
    .map(({ index, 0: all }): Range => [index + all.length, comment.length]);
  const quoted = wanted.flatMap((value) =>
    [...allOf(comment, value)].map((from): Range => [from, from + value.length]),
  );
  return [...named, ...quoted];
}

function* allOf(text: string, wanted: string): Generator<number> {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) yield at;
}

/**
 * In a text that is not YAML it is unknown where a value ends. Everything after the name of a secret is removed, up
 * to a line that begins with another field and is not indented deeper; the same after the anchors it refers to.
 */
function findByName(text: string, names: Names): Range[] {
  const starts = [
    ...text.matchAll(/([\p{L}\p{N}_-]+)["']?[ \t]*[:=]/gu),
    ...text.matchAll(/^(?:[ \t]*[-?#{"'])*[ \t]*([\p{L}\p{N}_-]+)["']?(?=[ \t\r\n])/gmu),
  ]
    .filter(([, word = ""]) => names.isSecret(word))
    .map(({ index, 0: all }) => index + all.length);
  const ranges: Range[] = [];
  const anchors = new Set<string>();
  for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
    const range: Range = [start, endOfValue(text, start, names)];
    ranges.push(range);
    for (const [, anchor = ""] of text.slice(...range).matchAll(/\*([^\s,[\]{}]+)/g)) {
      if (anchors.has(anchor)) continue;
      anchors.add(anchor);
      for (const at of allOf(text, `&${anchor}`)) starts.push(at + anchor.length + 1);
    }
  }
  return ranges;
}

function endOfValue(text: string, start: number, names: Names): number {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(lineStart))?.[0].length ?? 0;
  const fields = /^([ \t]*)["']?([\p{L}\p{N}_-]+)["']?[ \t]*:/gmu;
  fields.lastIndex = start;
  for (const { index, 1: space = "", 2: name = "" } of text.matchAll(fields)) {
    if (index > start && space.length <= indent && names.isField(name)) return index;
  }
  return text.length;
}

/** Line breaks stay. */
function blot(text: string, ranges: readonly Range[], blank: (sign: string) => string): string {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  let done = 0;
  let result = "";
  for (const [from, to] of sorted) {
    if (to <= done) continue;
    const start = Math.max(from, done);
    result += text.slice(done, start);
    for (const sign of text.slice(start, to)) result += /[\r\n]/.test(sign) ? sign : blank(sign);
    done = to;
  }
  return result + text.slice(done);
}

/** As many spaces as the character has bytes in UTF-8. */
function spaces(sign: string): string {
  return " ".repeat(Buffer.byteLength(sign));
}

interface Names {
  isSecret(word: string): boolean;
  isField(word: string): boolean;
  /** Not the name of any field of an answers file. */
  isUnknown(word: string): boolean;
}

/** YAML's merge key: it includes the value of an anchor. */
const MERGE = "<<";

function namesOf({ paths, known: all }: SecretFields): Names {
  const known = all ?? new Set(paths.flat());
  const secret = new Set(paths.map((path) => path.at(-1)?.toLowerCase() ?? ""));
  // Nearly every word is similar to a name of three letters.
  const guessed = [...secret].filter((name) => name.length > 3);
  const isField = (word: string) => known.has(word);
  return {
    isField,
    isUnknown: (word) => all !== undefined && !isField(word) && word !== MERGE,
    isSecret: (word) =>
      secret.has(word.toLowerCase()) || (!isField(word) && didYouMean(word, guessed) !== undefined),
  };
}

/** Every byte becomes one character. */
function latin1(bytes: Uint8Array) {
  const text = Buffer.from(bytes).toString("latin1");
  return { text, encode: (changed: string) => Buffer.from(changed, "latin1") };
}

function utf16(bytes: Uint8Array) {
  const whole = bytes.length - (bytes.length % 2);
  const isBigEndian = bytes[0] === 0xfe || (bytes[0] === 0 && bytes[1] !== 0);
  const turned = (buffer: Buffer) => (isBigEndian ? buffer.swap16() : buffer);
  const text = turned(Buffer.from(bytes.subarray(0, whole))).toString("utf16le");
  const rest = bytes.subarray(whole);
  return {
    text,
    encode: (changed: string) => Buffer.concat([turned(Buffer.from(changed, "utf16le")), rest]),
  };
}
