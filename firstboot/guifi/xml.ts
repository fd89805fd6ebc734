// SPDX-License-Identifier: GPL-3.0-or-later
// The XML of CNML pages. It comes from an untrusted server: no entities except XML's own five and numeric ones, no
// document types, no names with a meaning in JavaScript.

import { invalid } from "./api.ts";

/** The page's root element, or throws Failure `api-reply-invalid`. */
export async function parseCnml(text: string): Promise<Element> {
  const trimmed = text.trim();
  // The same test as in guifi's own programs: a page that was cut off does not end like this.
  if (!trimmed.startsWith("<?xml") || !trimmed.endsWith("</cnml>")) return invalid("not a whole CNML page");
  if (/<!(DOCTYPE|ENTITY)/i.test(trimmed)) return invalid("a document type, which CNML has none of");
  return (await parseXml(trimmed)).find(({ name }) => name === "cnml") ?? invalid("not CNML");
}

export interface Element {
  readonly name: string;
  readonly attributes: { readonly [name: string]: string | undefined };
  readonly text: string;
  readonly children: readonly Element[];
}

/** Its children of that name. */
export function all(element: Element, name: string): Element[] {
  return element.children.filter((child) => child.name === name);
}

async function parseXml(text: string): Promise<Element[]> {
  // Loaded when needed: a configured box rarely needs it.
  const { XMLParser, XMLValidator } = await import("fast-xml-parser");
  try {
    if (XMLValidator.validate(text) !== true) return invalid("damaged XML");
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: "",
      parseTagValue: false,
      parseAttributeValue: false,
      // See decode(): the parser's own option also accepts HTML entities and document types.
      processEntities: false,
      cdataPropName: CDATA,
    });
    return toElements(parser.parse(text));
  } catch {
    // Names reserved in JavaScript, or too deep nesting.
    return invalid("damaged XML");
  }
}

const ATTRIBUTES = ":@";
const TEXT = "#text";
const CDATA = "#cdata";

/** The parser's format: a list of `{ <name>: [children], ":@": { attributes } }`. */
function toElements(list: unknown): Element[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const entries = Object.entries(item);
    const [name, inner] = entries.find(([key]) => key !== ATTRIBUTES) ?? [];
    if (name === undefined || name === TEXT || name === CDATA) return [];
    const raw: object = entries.find(([key]) => key === ATTRIBUTES)?.[1] ?? {};
    const attributes = Object.entries(raw).map(([key, value]) => [key, decode(String(value))] as const);
    return [
      {
        name,
        attributes: Object.assign(
          Object.create(null) as Record<string, string>,
          Object.fromEntries(attributes),
        ),
        text: textsOf(inner).join(" "),
        children: toElements(inner),
      },
    ];
  });
}

/** Decoded text; CDATA is literal. */
function textsOf(children: unknown): string[] {
  return (Array.isArray(children) ? children : []).flatMap((child: unknown) => {
    if (typeof child !== "object" || child === null) return [];
    if (TEXT in child) return [decode(String(child[TEXT]))];
    return CDATA in child && Array.isArray(child[CDATA]) ? child[CDATA].map(rawText) : [];
  });
}

function rawText(node: unknown): string {
  return typeof node === "object" && node !== null && TEXT in node ? String(node[TEXT]) : "";
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The references of XML without a document type (XML 1.0, 4.1 and 4.6), decoded once; others stay unchanged. */
export function decode(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (reference, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? reference;
      const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
      return isCharacter(code) ? String.fromCodePoint(code) : reference;
    },
  );
}

/** XML 1.0, 2.2: no unpaired surrogate, no control character except white space. */
function isCharacter(code: number): boolean {
  return (
    [0x9, 0xa, 0xd].includes(code) ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  );
}
