// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration of Incus for the set-up: the image's template filled in with the plan, and validated before use:
// a wrong or empty line must not lead to an incomplete configuration.

import { parse } from "yaml";
import { fail } from "../../common/fail.ts";
import { compileSchema } from "../../common/schema.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { Config } from "./incus.ts";
import type { ContextId } from "./names.ts";
import type { Limits } from "./plan.ts";
import { LEAST_INSTANCE } from "./plan.ts";

export interface PreseedData {
  /** The pools that do not exist yet. */
  readonly pools: readonly { readonly name: string; readonly mib: number }[];
  readonly contexts: readonly PreseedContext[];
  /** For each interface (filters.ts). */
  readonly filters: Config;
}

export interface PreseedContext {
  readonly id: ContextId;
  readonly poolName: string;
  readonly description: string;
  readonly limits: Limits;
  readonly cpuSet: string;
  readonly cpuPercent: number;
  readonly nesting: boolean;
  readonly network: { readonly name: string; readonly address: string; readonly gateway: string };
}

/** Throws Failure `preseed-broken`. */
export async function renderPreseed(box: Box, data: PreseedData): Promise<string> {
  const template = await box.readFile(paths.contextPreseed);
  if (template === undefined) return broken("no such file");
  const { default: Handlebars } = await import("handlebars");
  const text = render(() =>
    Handlebars.compile(template, { strict: true, noEscape: true })({
      pools: data.pools,
      contexts: data.contexts.map((each) => ({
        ...each,
        filters: Object.entries(data.filters).map(([key, value]) => ({ key, value })),
        // On a small disk a context may get less than an instance's default, and its own container must fit.
        instance: { ...LEAST_INSTANCE, diskMib: Math.min(LEAST_INSTANCE.diskMib, each.limits.diskMib) },
        packages: paths.pool,
      })),
    }),
  );
  const checked = check(render(() => parse(text)));
  return checked.ok
    ? text
    : broken(checked.errors.map(({ field, expected }) => `${field}: ${expected}`).join("; "));
}

function render<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    return broken((error as Error).message.split("\n", 1).join(""));
  }
}

function broken(found: string): never {
  return fail({
    code: "preseed-broken",
    what: `The settings of the contexts cannot be made from ${paths.contextPreseed}.`,
    found,
    hint: "The image is damaged: write it to the disk again.",
  });
}

const named = (properties: object, required: readonly string[]) => ({
  type: "array",
  minItems: 1,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["name", ...required],
    properties: {
      name: { type: "string", pattern: "^[a-z][a-z0-9-]{1,14}$" },
      description: { type: "string" },
      ...properties,
    },
  },
});

const size = { type: "string", pattern: "^[1-9][0-9]*MiB$" };
const count = { type: "string", pattern: "^[1-9][0-9]*$" };
/** Every value for Incus is a string; anything else is a mistake in the template. */
const config = (properties: object) => ({
  type: "object",
  required: Object.keys(properties),
  properties,
  additionalProperties: { type: "string", minLength: 1 },
});

const check = compileSchema<object>(
  {
    type: "object",
    additionalProperties: false,
    required: ["networks", "projects", "profiles"],
    properties: {
      config: config({}),
      storage_pools: named(
        {
          driver: { enum: ["btrfs"] },
          config: config({ size }),
        },
        ["driver", "config"],
      ),
      networks: named(
        {
          type: { enum: ["bridge"] },
          project: { enum: ["default"] },
          config: config({
            "ipv4.address": { type: "string", pattern: "^[0-9.]{7,15}/24$" },
            "security.acls": { type: "string", minLength: 1 },
          }),
        },
        ["type", "project", "config"],
      ),
      projects: named(
        {
          config: config({
            "limits.memory": size,
            "limits.disk": size,
            "limits.processes": count,
            "limits.instances": count,
            restricted: { enum: ["true"] },
          }),
        },
        ["config"],
      ),
      profiles: named(
        {
          project: { enum: ["owner", "community"] },
          config: config({
            "limits.cpu": { type: "string", pattern: "^[0-9]+-[0-9]+$" },
            "limits.cpu.allowance": { type: "string", pattern: "^[1-9][0-9]?0?%$" },
            "limits.memory": size,
            "limits.processes": count,
            "security.idmap.isolated": { enum: ["true"] },
          }),
          devices: { type: "object" },
        },
        ["project", "config", "devices"],
      ),
    },
  },
  { name: "preseed" },
);
