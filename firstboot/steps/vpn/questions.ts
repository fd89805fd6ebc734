// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "vpn" asks: whether the box joins, and which VPN, if not the community's.

import type { FromSchema } from "json-schema-to-ts";

export const schema = {
  type: "object",
  description: "The VPN (tinc) that joins the boxes of the community.",
  additionalProperties: false,
  properties: {
    join: {
      type: "boolean",
      description: "Default: what the community suggests.",
    },
    network: {
      type: "string",
      description: "Name of the VPN, also of its interface. Left out: the community's.",
      examples: ["guifi"],
      "x-when": { join: "true" },
    },
    rendezvous: {
      type: "array",
      items: { type: "string" },
      maxItems: 8,
      description: "Servers that let the box in, in the order they are asked. Left out: the community's.",
      examples: [["https://vpn.example.net"]],
      "x-when": { join: "true" },
    },
    key: {
      type: "string",
      maxLength: 64,
      description: "Key of the VPN, for one that is not the community's. Left out: the community's.",
      "x-secret": true,
      "x-when": { join: "true" },
    },
    bundle: {
      type: "object",
      description: "All that the box needs to know to be in the VPN; no rendezvous is asked then.",
      additionalProperties: false,
      required: ["name", "address", "hosts"],
      "x-file-only": true,
      properties: {
        name: { type: "string", description: "Name of the box in the VPN.", examples: ["can_bruixa"] },
        address: {
          type: "string",
          description: "Address of the box in the VPN, with the VPN's prefix.",
          examples: ["10.228.0.7/24"],
        },
        mode: {
          type: "string",
          enum: ["router", "switch", "hub"],
          description: "As all others of this VPN have it. Default: router.",
        },
        port: {
          type: "integer",
          minimum: 1,
          maximum: 65535,
          description: "TCP and UDP port that the box listens on. Default: 655.",
        },
        hosts: {
          type: "array",
          description: "The others in the VPN.",
          items: {
            type: "object",
            additionalProperties: false,
            required: ["name", "key"],
            properties: {
              name: { type: "string", description: "Its name in the VPN.", examples: ["gateway"] },
              address: {
                type: "string",
                description: "IPv4 address outside of the VPN. Left out: it can only call.",
                examples: ["10.139.40.85"],
              },
              port: { type: "integer", minimum: 1, maximum: 65535, description: "Default: 655." },
              subnets: {
                type: "array",
                items: { type: "string" },
                description: "Its addresses in the VPN.",
                examples: [["10.228.0.1/32"]],
              },
              key: { type: "string", maxLength: 4096, description: "Its RSA public key, PEM." },
            },
          },
        },
      },
    },
  },
} as const;

export type VpnAnswers = FromSchema<typeof schema>;
