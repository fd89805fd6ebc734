// SPDX-License-Identifier: GPL-3.0-or-later
// A community's settings for its boxes: servers, VPN, Serf bootstrap, time and names. One file per community,
// profiles/communities/<id>.yaml; the image has all of it. profiles/schemas/community.schema.json is generated from
// this schema (docs/generate.ts).
import type { FromSchema } from "json-schema-to-ts";
import { UNREAD_URL } from "./plain-http.ts";
import { compileSchema } from "./schema.ts";

const hostPort = {
  type: "string",
  pattern: "^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):[0-9]{1,5}$",
  "x-expected": "an address or name with a port, such as 10.139.40.22:5000",
} as const;

const host = {
  type: "string",
  pattern: "^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$",
  "x-expected": "an IP address or a host name, such as 10.228.17.3 or ntp.example.net",
} as const;

const httpUrl = {
  type: "string",
  format: "uri",
  pattern: "^https?://",
  "x-expected": "a web address such as https://guifi.net/api",
} as const;

const secretUrl = {
  type: "string",
  pattern: UNREAD_URL,
  "x-expected":
    "an address with https, since the members' passwords go there (http only with plain_http: true beside it)",
} as const;

const byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

const vpnRange = {
  type: "string",
  pattern: `^${byte}(\\.${byte}){3}/([89]|[12][0-9]|30)$`,
  "x-expected": "an IPv4 range with a prefix from 8 to 30, such as 10.228.0.0/16",
} as const;

const port = { type: "integer", minimum: 1, maximum: 65535 } as const;

export const communitySchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "community.schema.json",
  title: "Community of a Community Box",
  description:
    "What a community network tells its boxes. The hardware is described apart from it, in a profile.",
  type: "object",
  additionalProperties: false,
  required: [
    "id",
    "title",
    "website",
    "ldap",
    "api",
    "licence",
    "vpn",
    "serf",
    "dns",
    "ntp",
    "timezone",
    "default_language",
    "languages",
    "keyboards",
    "updates",
    "address_ranges",
  ],
  properties: {
    id: {
      type: "string",
      description: "Short name of the community; the same as the file's name.",
      pattern: "^[a-z0-9][a-z0-9-]*$",
      "x-expected": "lower-case letters, digits and hyphens, such as guifi",
    },
    title: { type: "string", description: "Name as people write it.", minLength: 1, examples: ["Guifi.net"] },
    website: { ...httpUrl, description: "Where a person reads about the community." },
    ldap: {
      type: "object",
      description: "Where a member's user name and password are checked: a simple bind, nothing is searched.",
      additionalProperties: false,
      required: ["servers", "base_dn", "tls"],
      properties: {
        servers: {
          type: "array",
          description:
            "LDAP servers in the order they are tried; the next one is used when one does not answer.",
          minItems: 1,
          uniqueItems: true,
          items: {
            type: "string",
            pattern: "^ldaps://[A-Za-z0-9.-]+(:[0-9]+)?$",
            "x-expected": "an address such as ldaps://ldap.example.net (unencrypted ldap:// is not used)",
          },
        },
        base_dn: {
          type: "string",
          description: "Branch of the members; the bind name is uid=<user name>,<base_dn>.",
          pattern: "^[A-Za-z]+=[^,=]+(,[A-Za-z]+=[^,=]+)*$",
          "x-expected": "a distinguished name such as o=webusers,dc=guifi,dc=net",
        },
        tls: {
          type: "object",
          additionalProperties: false,
          required: ["verify"],
          properties: {
            verify: {
              type: "boolean",
              description: "Whether the server's certificate must be valid. Leave it true.",
            },
            ca_file: {
              type: "string",
              description: "PEM file on the box with the authority to trust, when it is not a public one.",
              pattern: "^/",
              "x-expected": "an absolute path such as /etc/ssl/certs/community.pem",
            },
          },
        },
      },
    },
    api: {
      type: "object",
      description: "The web application where nodes and devices are registered.",
      additionalProperties: false,
      required: ["url", "auth_url", "cnml_url"],
      if: { required: ["plain_http"], properties: { plain_http: { const: true } } },
      else: { properties: { url: secretUrl, auth_url: secretUrl } },
      properties: {
        url: { ...httpUrl, description: "Commands about nodes and devices." },
        auth_url: { ...httpUrl, description: "Log in." },
        plain_http: {
          type: "boolean",
          description:
            "Whether url and auth_url may be http, by which everybody on the way can read the members' passwords. The box says so before it asks for one. Default: false.",
        },
        decodes_twice: {
          type: "boolean",
          description:
            "Whether the application decodes the values of a web address twice, as that of guifi.net does. Default: true.",
        },
        cnml_url: {
          ...httpUrl,
          description: "Public description of nodes (CNML); /<id>/<action> is appended.",
        },
        device_url: {
          ...httpUrl,
          description: "Page of a device for a person; /<id> is appended. Left out: no page is named.",
        },
      },
    },
    licence: {
      type: "object",
      description:
        "What every member of the network agrees to; the set-up asks for it before it registers a box.",
      additionalProperties: false,
      required: ["title", "version", "url"],
      properties: {
        title: {
          type: "string",
          description: "Name as people know it.",
          minLength: 1,
          maxLength: 60,
          examples: ["Network Commons Licence"],
        },
        version: {
          type: "string",
          description: "Which edition of the text; recorded on the box with the date of the consent.",
          minLength: 1,
          maxLength: 20,
          examples: ["1.0"],
        },
        url: { ...httpUrl, maxLength: 60, description: "Where a person reads the text." },
      },
    },
    vpn: {
      type: "object",
      description: "The VPN (tinc) that joins boxes which are not directly connected to the network.",
      additionalProperties: false,
      required: ["enabled_by_default", "network", "port", "rendezvous"],
      properties: {
        enabled_by_default: {
          type: "boolean",
          description: "What the question suggests; the owner decides.",
        },
        network: {
          type: "string",
          description: "Name of the tinc network, also the name of its interface on the box.",
          pattern: "^[A-Za-z0-9_]{1,15}$",
          "x-expected": "1 to 15 letters, digits or underscores, such as guifi",
        },
        network_key: {
          type: "string",
          description:
            "What a box shows the rendezvous to be let in. It is in every image, so it keeps nobody out. Absent: the name of the network.",
          pattern: "^[!-~]{1,64}$",
          "x-expected": "1 to 64 printable characters without blanks",
        },
        port: { ...port, description: "TCP and UDP port tinc listens on." },
        ranges: {
          type: "array",
          description:
            "Networks that a rendezvous may give a box its address in: IPv4, with a prefix from 8 to 30. Absent: private addresses (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) with a prefix from 16 on. No server that a box needs may lie in the network that is given.",
          minItems: 1,
          uniqueItems: true,
          items: vpnRange,
          examples: [["10.228.0.0/16"]],
        },
        gateways: {
          type: "object",
          description:
            "Keys of the gateways, by their names in the VPN: the SHA-256 of the public key (docs/rendezvous.md says how to make it). A reply with another key for one of these names, or that names none of them, is refused. Absent: any key is taken.",
          minProperties: 1,
          propertyNames: {
            pattern: "^[A-Za-z0-9_]{1,64}$",
            "x-expected": "the gateway's name in the VPN: 1 to 64 letters, digits and underscores",
          },
          additionalProperties: {
            type: "string",
            pattern: "^[0-9a-f]{64}$",
            "x-expected": "a SHA-256 in 64 hexadecimal digits, in lower case",
          },
        },
        rendezvous: {
          type: "array",
          description:
            "Servers that tell a new box its VPN address and its peers, in the order they are tried. See docs/rendezvous.md.",
          uniqueItems: true,
          items: {
            anyOf: [
              httpUrl,
              {
                type: "object",
                additionalProperties: false,
                required: ["url", "form"],
                properties: {
                  url: httpUrl,
                  form: {
                    enum: ["json", "getinconf"],
                    description: "json: needs https. getinconf: the older form, whose reply is a script.",
                  },
                },
              },
            ],
            "x-expected":
              "a web address such as https://vpn.example.net, or a map of url and form (json or getinconf)",
          },
        },
      },
    },
    serf: {
      type: "object",
      description: "Discovery: boxes gossip by Serf which services they offer.",
      additionalProperties: false,
      required: ["port", "profile", "bootstrap", "cloud", "microcloud", "tag_budget_bytes"],
      properties: {
        port: { ...port, description: "TCP and UDP port of the gossip." },
        profile: { enum: ["lan", "wan", "local"], description: "Serf's timing; wan suits radio links." },
        protocol: {
          type: "integer",
          minimum: 1,
          maximum: 5,
          description: "Serf protocol; absent: Serf's own default.",
        },
        bootstrap: {
          type: "array",
          description: "Boxes to join through. Empty: wait until the owner names one.",
          uniqueItems: true,
          items: hostPort,
        },
        cloud: {
          type: "string",
          description: "Name in the published host names: <box>.<cloud>.local.",
          pattern: "^[A-Za-z0-9-]+$",
          "x-expected": "letters, digits and hyphens, such as guifi",
        },
        microcloud: {
          type: "string",
          description:
            "Name of the group of boxes within the cloud. Older nodes cannot read one with spaces.",
          pattern: "^\\S+$",
          "x-expected": "a name without spaces, such as guifi",
        },
        tag_budget_bytes: {
          type: "integer",
          description: "Largest size of all Serf tags of a box together, in bytes; stock Serf takes 512.",
          minimum: 128,
          maximum: 2048,
        },
      },
    },
    dns: {
      type: "object",
      description: "Name servers for boxes with a static address; with DHCP the lease decides.",
      additionalProperties: false,
      required: ["servers", "search"],
      properties: {
        servers: {
          type: "array",
          description: "Suggested when a static address is set up.",
          uniqueItems: true,
          items: host,
        },
        search: {
          type: "array",
          description: "Domains appended to short names.",
          uniqueItems: true,
          items: host,
        },
      },
    },
    ntp: {
      type: "object",
      description: "Time servers.",
      additionalProperties: false,
      required: ["servers"],
      properties: {
        servers: {
          type: "array",
          description: "Empty: Debian's own choice.",
          uniqueItems: true,
          items: host,
        },
      },
    },
    timezone: {
      type: "string",
      description: "Time zone the set-up suggests.",
      pattern: "^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_+-]+)*$",
      "x-expected": "a time zone such as Europe/Madrid",
    },
    default_language: { enum: ["en", "ca", "es"], description: "Language the set-up starts in." },
    languages: {
      type: "array",
      description: "Languages the set-up offers, in this order.",
      minItems: 1,
      uniqueItems: true,
      items: { enum: ["en", "ca", "es"] },
    },
    keyboards: {
      type: "array",
      description:
        "Layouts offered for the keyboard at a screen, by their XKB names; the first is set in the image.",
      minItems: 1,
      uniqueItems: true,
      items: {
        type: "string",
        pattern: "^[a-z]{2,8}$",
        "x-expected": "the name of an XKB layout, such as es or us",
      },
    },
    updates: {
      type: "object",
      description: "What the set-up suggests about security updates.",
      additionalProperties: false,
      required: ["choice", "restart_hour"],
      properties: {
        choice: {
          enum: ["restart", "fixes", "off"],
          description:
            "restart: install them, and restart by night where one is needed; fixes: install them, and leave the restart to the owner; off: nothing by itself.",
        },
        restart_hour: {
          type: "integer",
          minimum: 0,
          maximum: 23,
          description:
            "Hour of the night, in the box's own time zone, in which it restarts; each box at a minute of its own.",
        },
      },
    },
    address_ranges: {
      type: "array",
      description:
        "Addresses that belong to the community network; a box finds its community address by them.",
      minItems: 1,
      uniqueItems: true,
      items: {
        type: "string",
        pattern: "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/([0-9]|[12][0-9]|3[0-2])$",
        "x-expected": "an IPv4 range such as 10.0.0.0/8",
      },
    },
  },
} as const;

export type Community = FromSchema<typeof communitySchema>;

export const checkCommunity = compileSchema<Community>(communitySchema, { name: "the community file" });
