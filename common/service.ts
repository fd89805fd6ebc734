// SPDX-License-Identifier: GPL-3.0-or-later
// The schema of a service in the catalogue: overlays/services/<id>/service.yaml. The build validates every directory
// with it; the box reads the packed result. Published as profiles/schemas/service.schema.json.
import type { FromSchema } from "json-schema-to-ts";

/** A text in the box's languages. */
const words = {
  type: "object",
  additionalProperties: false,
  required: ["en", "ca", "es"],
  properties: {
    en: { type: "string", minLength: 1 },
    ca: { type: "string", minLength: 1 },
    es: { type: "string", minLength: 1 },
  },
} as const;

const argv = {
  type: "array",
  minItems: 1,
  items: { type: "string" },
  description: "Program and arguments, without a shell; each may be a Handlebars template.",
} as const;

const place = { type: "string", enum: ["host", "owner", "community"] } as const;
const absolutePath = {
  type: "string",
  pattern: "^/",
  "x-expected": "an absolute path such as /etc/snmp/snmpd.conf",
} as const;
const name = "^[a-z][a-z0-9_]*$";
const template = {
  type: "string",
  pattern: "\\.hbs$",
  description: "File in the service's folder.",
} as const;

const when = {
  type: "object",
  minProperties: 1,
  description: "Only when the service's other inputs have these values; a list: one of them.",
  propertyNames: { pattern: name },
  additionalProperties: {
    anyOf: [{ type: ["string", "boolean"] }, { type: "array", minItems: 1, items: { type: "string" } }],
  },
} as const;

const step = {
  type: "object",
  additionalProperties: false,
  required: ["run"],
  properties: {
    run: argv,
    input: {
      type: "string",
      description: "Template of what goes to its standard input; the way for secrets.",
    },
    creates: { ...absolutePath, description: "Passed over when this file is there already." },
    timeout_seconds: {
      type: "integer",
      minimum: 1,
      description: "For a command that asks somebody else. No limit unless said.",
    },
  },
} as const;

export const serviceSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "service.schema.json",
  title: "Service of a Community Box",
  description:
    "One entry of the catalogue. Templates (Handlebars, strict) see community, box, service, inputs, secrets, facts, registration and authorities.",
  type: "object",
  additionalProperties: false,
  required: ["id", "title", "description", "priority", "source", "where", "architectures", "ports"],
  properties: {
    id: {
      type: "string",
      description: "Name for commands and answers; the same as the folder's.",
      pattern: "^[a-z][a-z0-9-]*$",
      "x-expected": "lower-case letters, digits and hyphens, such as guifi-proxy",
    },
    title: { ...words, description: "Name as people know it, at most some 25 letters." },
    description: { ...words, description: "One paragraph: what it is good for." },
    ask: {
      ...words,
      description:
        "Its row in the list of services, where the title does not fit; of discovery: the question.",
    },
    enabled: { type: "boolean", default: false, description: "The answer that is offered." },
    priority: {
      type: "integer",
      description: "Small numbers are announced first; what comes last may find no room.",
    },
    source: {
      type: "string",
      enum: ["image", "pool", "network"],
      description:
        "Where the software is: installed in every image, as .deb files in the image, or only on the network (Debian's mirror; container images in their registries).",
    },
    compose: {
      type: "object",
      description:
        "A docker-compose project instead of packages and units; it runs in the community's context, beside Docker.",
      additionalProperties: false,
      required: ["file"],
      properties: {
        file: {
          ...template,
          description:
            "The compose file, a template in the folder. Public ports are published as 8080:80, with first_account: visitor as {{service.bind}}8080:80, others at 127.0.0.1.",
        },
        environment: {
          ...template,
          description: "Template of its .env, which only root can read: the way for secrets.",
        },
      },
    },
    packages: { type: "array", uniqueItems: true, default: [], items: { type: "string" } },
    where: {
      type: "object",
      description: "Where it may run; the first place that this box has is the default.",
      additionalProperties: false,
      required: ["allowed"],
      properties: { allowed: { type: "array", minItems: 1, uniqueItems: true, items: place } },
    },
    architectures: {
      type: "array",
      minItems: 1,
      uniqueItems: true,
      items: { type: "string", enum: ["amd64", "arm64", "armhf", "i386"] },
    },
    needs: {
      type: "object",
      default: {},
      additionalProperties: false,
      properties: {
        memory_mib: { type: "integer", minimum: 0, description: "Memory it takes when it works." },
        vpn: { type: "boolean", description: "Only in the community's VPN." },
        registration: { type: "boolean", description: "Only on a box registered with the community." },
        cpu: {
          type: "array",
          uniqueItems: true,
          items: { type: "string" },
          description: "Abilities of the processor, as in the flags of /proc/cpuinfo, such as avx.",
        },
        services: {
          type: "array",
          uniqueItems: true,
          items: { type: "string" },
          description: "Other services, in the same place; they are switched on with it.",
        },
      },
    },
    discovery: {
      type: "string",
      enum: ["community", "vpn"],
      description:
        "By it the services that are on are announced to others. community: of one entry, whose questions come first and which the box sets up by itself. vpn: within the VPN only.",
    },
    managed: {
      type: "boolean",
      default: true,
      description: "False: the units belong to the system; they are watched, never started or stopped.",
    },
    units: {
      type: "array",
      uniqueItems: true,
      default: [],
      items: { type: "string" },
      description: "systemd units, in order. A compose project has one by itself.",
    },
    ports: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["port", "protocol", "public"],
        properties: {
          port: {
            anyOf: [
              { type: "integer", minimum: 1, maximum: 65535 },
              { type: "string", pattern: "^(community|inputs)(\\.[a-z_]+)+$" },
            ],
            "x-expected": "a port number, or where it is said, such as community.serf.port",
          },
          last: {
            type: "integer",
            minimum: 1,
            maximum: 65535,
            description: "Last number of a range that begins with port. It is neither announced nor watched.",
          },
          protocol: { type: "string", enum: ["tcp", "udp"] },
          public: {
            type: "boolean",
            description: "True: reached from the network. False: on the box only, at its loopback address.",
          },
          shared: {
            type: "boolean",
            default: false,
            description: "Others on the box may use this number, at addresses of their own.",
          },
          inside: {
            type: "string",
            description: "The address in its context where it listens; 127.0.0.1 unless said.",
          },
          closed: {
            type: "boolean",
            description: "True: it listens in its context and is not reached from outside of that.",
          },
          when,
        },
      },
    },
    first_account: {
      type: "string",
      enum: ["none", "made", "visitor"],
      description:
        "Who gets the administrator's account, of a service with a public port. none: it has none that could be taken. made: the box makes it before anybody comes, by its settings and secrets. visitor: whoever opens its page first, so other machines reach it only after the owner has done that (cbox services claim).",
    },
    account_made: {
      type: "string",
      pattern: "^/[!-~]*$",
      "x-expected": "the path of a page such as /wp-login.php",
      description:
        "With first_account: visitor: page at the first public port that answers 200 once the account is made, and another status before.",
    },
    inputs: {
      type: "object",
      default: {},
      description: "What the person may choose, by name.",
      propertyNames: { pattern: name, not: { enum: ["enabled", "context"] } },
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["schema"],
        properties: {
          schema: {
            type: "object",
            description: "JSON Schema of the answer, with its default.",
            required: ["type", "default", "description"],
            properties: { type: { type: "string", enum: ["string", "integer", "boolean"] } },
          },
          when,
          needed: { type: "boolean", default: false, description: "May not stay empty where it is asked." },
          file_only: { type: "boolean", default: false, description: "Not asked at a console." },
          ask: words,
          help: words,
          label: { ...words, description: "At most 18 letters." },
          options: {
            type: "object",
            description: "Words for the values of an enum.",
            additionalProperties: words,
          },
        },
      },
    },
    secrets: {
      type: "object",
      default: {},
      description: "Made on each box, once, and kept readable for root alone.",
      propertyNames: { pattern: name },
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["bytes"],
        properties: {
          bytes: { type: "integer", minimum: 8, description: "Randomness; twice as many hexadecimal signs." },
          label: {
            ...words,
            description:
              "What it is for; with `each`, {name} stands for the word. Left out: nobody but the service needs it.",
          },
          each: {
            type: "string",
            pattern: name,
            description:
              "An input with words, such as names of accounts: each of them has a secret of its own.",
          },
        },
      },
    },
    files: {
      type: "array",
      default: [],
      items: {
        type: "object",
        additionalProperties: false,
        required: ["template", "target"],
        properties: {
          template,
          target: absolutePath,
          mode: { type: "string", pattern: "^0[0-7]{3}$", default: "0644" },
          owner: { type: "string", pattern: "^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$", default: "root:root" },
          keep: { type: "boolean", default: false, description: "Written when missing, then the owner's." },
        },
      },
    },
    prepare: {
      type: "array",
      default: [],
      items: step,
      description: "After the packages, before the files: such as the account that owns the files.",
    },
    activate: {
      type: "array",
      default: [],
      items: step,
      description: "After the files, before the units start.",
    },
    deactivate: { type: "array", default: [], items: step, description: "After the units have stopped." },
    facts: {
      type: "object",
      default: {},
      description: "What only the running service knows, such as its public key.",
      propertyNames: { pattern: name },
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["run", "pattern"],
        properties: { run: argv, pattern: { type: "string", format: "regex" } },
      },
    },
    health: {
      type: "object",
      default: {},
      additionalProperties: false,
      description: "Beside: every unit is active and every port listens.",
      properties: {
        run: argv,
        wait_seconds: {
          type: "integer",
          minimum: 1,
          description: "For all of it to come true; 60 unless said.",
        },
      },
    },
    data: {
      type: "array",
      default: [],
      items: absolutePath,
      description: "What stays when it is switched off, and what `remove-data` removes.",
    },
    left_out: {
      ...absolutePath,
      description:
        "File with what it could not take of what it was given: a JSON array, one line of text for each, such as cbox services shows.",
    },
    publication: {
      type: "object",
      description: "How it is announced to the community; left out: it is not.",
      additionalProperties: false,
      required: ["type", "description"],
      properties: {
        type: {
          type: "string",
          pattern: "^[A-Za-z0-9-]{1,20}$",
          "x-expected": "a short word such as syncthing",
        },
        description: { type: "string", description: "Template; words of the network, not of a language." },
        transport: {
          type: "string",
          enum: ["tcp", "udp"],
          description: "Of its type in the VPN, where Avahi announces it. Default: tcp.",
        },
        each_port: {
          type: "boolean",
          default: false,
          description: "Every public port is announced; else the first one.",
        },
        txt: {
          type: "string",
          default: "",
          description:
            "Template of key=value pairs, joined by &; no white space, which older nodes cannot read.",
        },
        when,
      },
    },
    copies: {
      type: "object",
      description: "Of a service that keeps files on several boxes.",
      additionalProperties: false,
      required: ["count", "wanted", "spread"],
      properties: {
        count: { ...argv, description: "Prints how many boxes take copies now, this one included." },
        wanted: {
          type: "string",
          description: "Template: on how many a file is kept, if there are so many.",
        },
        spread: {
          ...argv,
          description:
            "Puts files anew whose keys it reads, one a line, and prints for each the number of boxes that have it then, and its key; - for what is no key.",
        },
      },
    },
    found: {
      type: "object",
      description:
        "What this box does with one that another box announces (cbox search --join). Templates here see found, too: type, description, host, address, port, txt.",
      additionalProperties: false,
      required: ["types"],
      properties: {
        types: {
          type: "array",
          minItems: 1,
          uniqueItems: true,
          items: { type: "string" },
          description: "As they are announced.",
        },
        open: { type: "string", description: "Template of the address that a person opens." },
        join: {
          type: "object",
          description: "How the service of this box gets to know that one; after its `inputs`, `run`.",
          additionalProperties: false,
          required: ["says"],
          properties: {
            says: { ...words, description: "Said when it is done: what, and what the person does next." },
            txt: {
              type: "object",
              default: {},
              description: "What has to be announced, by name, and its form: strangers wrote it.",
              additionalProperties: { type: "string", format: "regex" },
            },
            inputs: {
              type: "object",
              default: {},
              description: "Templates of settings; with any, the service is switched on with them.",
              additionalProperties: { type: "string" },
            },
            run: {
              type: "array",
              default: [],
              items: step,
              description: "In its place, while it is on.",
            },
          },
        },
      },
    },
    guifi: {
      type: "object",
      description: "How it is declared to the community's web application.",
      additionalProperties: false,
      required: ["type", "name", "nick"],
      properties: {
        type: { type: "string" },
        name: { type: "string", description: "Template; the device's number is registration.device_id." },
        nick: { type: "string" },
      },
    },
  },
} as const;

/** As written in service.yaml, with defaults. */
export type ServiceFile = FromSchema<typeof serviceSchema>;
export type PlaceId = "host" | "owner" | "community";
export type Words = FromSchema<typeof words>;
export type ServiceStep = FromSchema<typeof step>;
/** By input: the required value, or several allowed ones. */
export type When = { readonly [input: string]: string | boolean | readonly string[] };

/** An entry of the packed catalogue. */
export interface Service extends ServiceFile {
  /** Texts of its templates, by file name. */
  readonly templates: { readonly [file: string]: string };
}
