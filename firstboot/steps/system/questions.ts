// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "system" asks: the language, the box's time zone and name, and its owner's account.

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description: "The box itself and the account of its owner.",
  additionalProperties: false,
  required: ["owner"],
  properties: {
    language: {
      type: "string",
      enum: ["en", "ca", "es"],
      description: "Language of the set-up and of cbox. Default: the community's.",
    },
    keyboard: {
      type: "string",
      description: "Layout of the keyboard at the screen, by its XKB name. Default: the community's.",
      examples: ["es"],
      "x-screen": true,
    },
    timezone: {
      type: "string",
      description: "Time zone by its place name. Default: the community's.",
      examples: ["Europe/Madrid"],
    },
    hostname: {
      type: "string",
      description: "Name of the box: letters, digits and hyphens. Default: cbox- and four signs of its own.",
      examples: ["can-bruixa"],
    },
    updates: {
      type: "string",
      enum: ["restart", "fixes", "off"],
      description:
        "Security updates: installed, with a restart by night where one is needed; installed without; or none. Default: the community's.",
    },
    owner: {
      type: "object",
      description: "The person who looks after the box. A password, an SSH key, or both.",
      additionalProperties: false,
      required: ["name"],
      properties: {
        name: { type: "string", description: "Name to log in with.", examples: ["anna"] },
        password: {
          type: "string",
          description:
            "At least 10 characters and hard to guess, such as four words that have nothing to do with each other. The box wipes it from this file once it has used it.",
          "x-secret": true,
          "x-expected": "a text of at least 10 characters, in quotes",
        },
        ssh_keys: {
          type: "array",
          items: { type: "string" },
          description: "Public keys, as in ~/.ssh/id_ed25519.pub.",
          examples: [["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI... anna"]],
        },
      },
    },
    ssh: {
      type: "object",
      description: "Who gets in over SSH.",
      additionalProperties: false,
      properties: {
        keys_only: {
          type: "boolean",
          description:
            "Whether only SSH keys let in over SSH. The password still lets in at the consoles of the box. Default: false; true is suggested to who types a key.",
          "x-when-any": "owner.ssh_keys",
          "x-when-secret": "owner.password",
        },
      },
    },
  },
} as const;

export type SystemAnswers = FromSchema<typeof schema>;

/** Without a key it would lock everybody out, so it applies only with one. */
export function isKeysOnly({ owner, ssh }: Pick<SystemAnswers, "owner" | "ssh">): boolean {
  return ssh?.keys_only === true && (owner.ssh_keys ?? []).length > 0;
}

export const PASSWORD_PATH = "system.owner.password";
