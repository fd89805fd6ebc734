// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "network" asks: which interface (only when that is not plain), and how it gets its address.

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description: "How the box is connected. Left out: any cable, with an address from the network (DHCP).",
  additionalProperties: false,
  properties: {
    interface: {
      type: "string",
      description: "Network interface. Left out: the one with a cable in it.",
      examples: ["enp1s0"],
    },
    method: {
      type: "string",
      enum: ["dhcp", "static"],
      description: "dhcp (the default): the network gives an address. static: the address below.",
    },
    address: {
      type: "string",
      description: "IPv4 address and prefix length; only with static.",
      examples: ["10.1.2.3/27"],
      "x-when": { method: "static" },
    },
    gateway: {
      type: "string",
      description: "The router's address; only with static.",
      examples: ["10.1.2.1"],
      "x-when": { method: "static" },
    },
    dns: {
      type: "array",
      items: { type: "string" },
      description: "Name servers; only with static. Left out: the community's.",
      examples: [["10.1.2.1"]],
      "x-when": { method: "static" },
    },
  },
} as const;

export type NetworkAnswers = FromSchema<typeof schema>;
