// SPDX-License-Identifier: GPL-3.0-or-later
// The needed parts of the output of `docker compose config --format json`. Values of another form are left out: the
// project's file is untrusted.

import { parseJson } from "../../common/json.ts";

export interface ComposePort {
  readonly published?: string;
  readonly target: number;
  readonly protocol?: string;
  readonly host_ip?: string;
}

export interface ComposeService {
  readonly image?: string;
  readonly network_mode?: string;
  /** Null: passed on, but not set. */
  readonly environment: readonly (readonly [name: string, value: string | null])[];
  readonly networks: readonly string[];
  readonly ports: readonly ComposePort[];
}

export interface ComposeConfig {
  readonly services: readonly (readonly [name: string, service: ComposeService])[];
  /** Network names in Docker, by their names in the file. */
  readonly networks: ReadonlyMap<string, string>;
}

/** Undefined if it is not the JSON of a project. */
export function parseComposeConfig(text: string): ComposeConfig | undefined {
  const root = parseJson<unknown>(text, undefined);
  if (!isObject(root)) return undefined;
  const networks = entriesOf(root.networks).flatMap(([name, value]) => {
    const own = isObject(value) ? value.name : undefined;
    return typeof own === "string" ? [[name, own] as const] : [];
  });
  return {
    services: entriesOf(root.services).flatMap(([name, value]) =>
      isObject(value) ? [[name, serviceOf(value)] as const] : [],
    ),
    networks: new Map(networks),
  };
}

function serviceOf(value: Fields): ComposeService {
  const environment = entriesOf(value.environment).flatMap(([name, each]) =>
    each === null || typeof each === "string" ? [[name, each] as const] : [],
  );
  return {
    ...text("image", value.image),
    ...text("network_mode", value.network_mode),
    environment,
    networks: entriesOf(value.networks).map(([name]) => name),
    ports: Array.isArray(value.ports) ? value.ports.flatMap(portOf) : [],
  };
}

function portOf(value: unknown): ComposePort[] {
  if (!isObject(value) || typeof value.target !== "number") return [];
  const { target } = value;
  const published = typeof value.published === "number" ? String(value.published) : value.published;
  return [
    {
      target,
      ...text("published", published),
      ...text("protocol", value.protocol),
      ...text("host_ip", value.host_ip),
    },
  ];
}

type Fields = { readonly [name: string]: unknown };

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function text<Name extends string>(name: Name, value: unknown) {
  return (typeof value === "string" ? { [name]: value } : {}) as { readonly [name in Name]?: string };
}
