// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "install" asks: run from here, or install to a disk of the box, and then a typed confirmation.

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description:
    "Started from a stick or a card: install to a disk of the box first. Left out: the box runs from where it started.",
  additionalProperties: false,
  properties: {
    language: {
      type: "string",
      enum: ["en", "ca", "es"],
      description: "Language of these questions.",
    },
    to: {
      type: "string",
      description:
        "Name (sda) or serial number of the disk; auto: the only one that will do; here: do not install.",
      minLength: 1,
      examples: ["auto", "mmcblk0"],
    },
    confirm: {
      type: "string",
      description: "At the console: the name of the disk once more. In a file, erase does.",
      "x-deliberate": true,
    },
    erase: {
      type: "boolean",
      description: "true: everything on that disk may be lost. Nothing is installed without it.",
      "x-file-only": true,
    },
  },
} as const;

export type InstallAnswers = FromSchema<typeof schema>;
