// SPDX-License-Identifier: GPL-3.0-or-later
// What the step "network" asks: the interface (only if there is a choice), and how it gets its address.

import type { FromSchema } from "json-schema-to-ts";
import type { DeepPartial } from "../../setup/step.ts";

export const schema = {
  type: "object",
  description: "How the box is connected. Left out: any cable, with an address from the network (DHCP).",
  additionalProperties: false,
  properties: {
    via: {
      type: "string",
      enum: ["cable", "wifi"],
      description: "Left out: wifi where its section below names a network, else cable.",
    },
    wifi: {
      type: "object",
      description: "The wireless network (WPA2, WPA3 or open), on a box with a card for it.",
      additionalProperties: false,
      properties: {
        country: {
          type: "string",
          description:
            "Where the box is, as two letters; its rules say which channels may be used. Default: that of the time zone.",
          examples: ["ES"],
          "x-when": { via: "wifi" },
        },
        ssid: {
          type: "string",
          // The limit is 32 bytes; a byte that is not UTF-8 is written with four characters.
          maxLength: 128,
          description:
            "Name of the network, hidden or not. Spaces count; a byte that is not UTF-8 is written as iw shows it, such as caf\\xe9 in single quotes.",
          examples: ["casa"],
          "x-verbatim": true,
          "x-when": { via: "wifi" },
        },
        passphrase: {
          type: "string",
          description:
            "8 to 63 characters. Left out or empty: the network is open. The box wipes it from this file once it has used it.",
          "x-secret": true,
          "x-expected": "a text of 8 to 63 characters, in quotes",
          "x-when": { via: "wifi" },
        },
      },
    },
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
      description:
        "IPv4 address and prefix length; only with static. With /32, the gateway may have any other address.",
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

export const PASSPHRASE_PATH = "network.wifi.passphrase";

/** Whether these answers mean Wi-Fi; in an answers file the network's name is enough. */
export function isWireless({ via, wifi }: DeepPartial<NetworkAnswers>): boolean {
  return via === undefined ? wifi?.ssid !== undefined : via === "wifi";
}
