// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "contexts" asks: how much of the box is shared; exact amounts only if wanted.

import type { FromSchema } from "json-schema-to-ts";

const EXACT = { share: "exact" } as const;

export const schema = {
  type: "object",
  description:
    "How the box is divided: the owner's part and the community's. The box itself always keeps a quarter.",
  additionalProperties: false,
  properties: {
    share: {
      type: "string",
      enum: ["little", "half", "most", "exact"],
      description:
        "How much is shared with the community: a quarter, half (the default), three quarters, or as below.",
    },
    memory_mib: {
      type: "integer",
      minimum: 128,
      description: "Memory of the community in MiB; only with exact.",
      examples: [512],
      "x-when": EXACT,
    },
    cpus: {
      type: "integer",
      minimum: 1,
      description: "Processors of the community; only with exact.",
      examples: [1],
      "x-when": EXACT,
    },
    disk_gib: {
      type: "integer",
      minimum: 1,
      description: "Disk of the community in GiB; only with exact.",
      examples: [8],
      "x-when": EXACT,
    },
    processes: {
      type: "integer",
      minimum: 200,
      description: "Processes that may run in the community's part at once; only with exact.",
      examples: [2000],
      "x-when": EXACT,
    },
    instances: {
      type: "integer",
      minimum: 1,
      description: "Containers in the community's part, its own one included; only with exact.",
      examples: [4],
      "x-when": EXACT,
    },
  },
} as const;

export type ContextsAnswers = FromSchema<typeof schema>;
