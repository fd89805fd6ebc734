// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "services" asks: for now only whether the box takes part in the community's discovery (Serf).

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description: "What the box does for the community.",
  additionalProperties: false,
  properties: {
    serf: {
      type: "object",
      description: "Discovery: find the community's services and announce the box's own.",
      additionalProperties: false,
      properties: {
        enabled: {
          type: "boolean",
          description: "Default: true.",
          "x-name": "serf",
        },
      },
    },
  },
} as const;

export type ServicesAnswers = FromSchema<typeof schema>;
