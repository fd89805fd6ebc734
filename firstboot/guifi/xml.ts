// SPDX-License-Identifier: GPL-3.0-or-later
// The XML of CNML pages. Read from anybody's server, so nothing in it is believed: no entities, no document types, no
// names that mean something to JavaScript.

import { invalid } from "./api.ts";

/** The page's root. Any text makes one, or a Failure `api-reply-invalid`. */
export async function parseCnml(text: string): Promise<Element> {
  const trimmed = text.trim();
  // What guifi's own programs look at: a page that was cut off does not end so.
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
  // Loaded when needed: a box that is set up never asks again.
  const { XMLParser, XMLValidator } = await import("fast-xml-parser");
  try {
    if (XMLValidator.validate(text) !== true) return invalid("damaged XML");
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: "",
      parseTagValue: false,
      parseAttributeValue: false,
      processEntities: false,
    });
    return toElements(parser.parse(text));
  } catch {
    // Names of JavaScript's own, or nesting without end.
    return invalid("damaged XML");
  }
}

const ATTRIBUTES = ":@";
const TEXT = "#text";

/** The parser's form: a list of `{ <name>: [children], ":@": { attributes } }`. */
function toElements(list: unknown): Element[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const entries = Object.entries(item);
    const [name, inner] = entries.find(([key]) => key !== ATTRIBUTES) ?? [];
    if (name === undefined || name === TEXT) return [];
    const attributes = entries.find(([key]) => key === ATTRIBUTES)?.[1] ?? {};
    const texts = (Array.isArray(inner) ? inner : []).flatMap((child: unknown) =>
      typeof child === "object" && child !== null && TEXT in child ? [String(child[TEXT])] : [],
    );
    return [
      {
        name,
        attributes: Object.assign(Object.create(null) as Record<string, string>, attributes),
        text: texts.join(" "),
        children: toElements(inner),
      },
    ];
  });
}
