// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "node" asks: the box's node in the network, its name there, and the consent to the network's licence,
// which is required for registering.

import type { FromSchema } from "json-schema-to-ts";
import { transliterate } from "../../../common/transliterate.ts";
import { NAME_LONGEST, withSuffix } from "../../guifi/names.ts";
import type { DeepPartial } from "../../setup/step.ts";

export const NOTES_LONGEST = 150;

export const schema = {
  type: "object",
  description: "The box on the community's map. Needs a member who signs in. Left out: registered later.",
  additionalProperties: false,
  properties: {
    register: {
      type: "string",
      enum: ["now", "later"],
      description: "Left out: now when there is a number of a node.",
    },
    id: {
      type: ["integer", "string"],
      description: "Number of the node on the community's map.",
      examples: [54052],
      "x-expected": "the number of a node, such as 54052",
      "x-when": { register: "now" },
    },
    accept_licence: {
      type: "boolean",
      description: "Consent to the licence that the community's settings name. Must be true to register.",
      "x-deliberate": true,
      "x-when": { register: "now" },
    },
    name: {
      type: "string",
      description: `Name of the box there: one word of at most ${NAME_LONGEST} characters, with a letter in it. Default: the node's name and -box.`,
      examples: ["BCNCanBruixa20-box"],
      "x-when": { register: "now" },
    },
    address_from: {
      type: "string",
      description:
        "Who gives the box its address: auto (the default), none, or the number of a device of the node.",
      examples: ["auto"],
      "x-when": { register: "now" },
    },
    email: {
      type: "string",
      description:
        "Where the community writes to about the box; several with commas. Default: the member's own.",
      examples: ["anna@example.net"],
      "x-when": { register: "now" },
    },
    notes: {
      type: "string",
      description: `Shown on the node's page, at most ${NOTES_LONGEST} characters.`,
      examples: ["In the library, second floor"],
      "x-when": { register: "now" },
    },
  },
} as const;

export type NodeAnswers = FromSchema<typeof schema>;

/** In an answers file the node's number alone means "now". */
export function registers({ register, id }: DeepPartial<NodeAnswers>): boolean {
  return register === undefined ? id !== undefined : register === "now";
}

/** A typed text or a number, as a number; undefined if it is not one. */
export function parseNodeId(id: string | number): number | undefined {
  return /^[1-9]\d{0,8}$/.test(String(id).trim()) ? Number(id) : undefined;
}

/** The given text, unless it is empty or the "-" that means none. */
export function textOf(answer: string | undefined): string | undefined {
  const text = answer?.trim() ?? "";
  return text === "" || text === "-" ? undefined : text;
}

/** With at least one letter: a number alone was probably meant for another question, such as a menu. */
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9_-]+$/;

export function isDeviceName(name: string): boolean {
  return NAME.test(name) && name.length <= NAME_LONGEST;
}

/** The nearest valid name; undefined if none of the characters remain. */
export function suggestDeviceName(name: string): string | undefined {
  const kept = transliterate(name)
    .trim()
    .replace(/\s+/g, "-")
    .replace(/[^A-Za-z0-9_-]/g, "")
    .replace(/-{2,}/g, "-")
    .replace(/^-+/, "")
    .slice(0, NAME_LONGEST)
    .replace(/-+$/, "");
  return isDeviceName(kept) ? kept : undefined;
}

const SUFFIX = "-box";

export function defaultDeviceName(nodeTitle: string, id: number): string {
  return withSuffix(suggestDeviceName(nodeTitle) ?? `node${id}`, SUFFIX);
}
