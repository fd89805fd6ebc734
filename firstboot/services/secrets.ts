// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets of services: generated on the box when first needed, then kept in a file that only root may read. They are
// stored nowhere else on the box.

import { parseJson } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { type Inputs, toList } from "./inputs.ts";

/** By name; for a list, by name and item. */
export type ServiceSecrets = { readonly [name: string]: string | { readonly [word: string]: string } };

const fileOf = ({ id }: Service) => `${paths.serviceSecrets}/${id}.json`;

export async function readSecrets(box: Pick<Box, "readFile">, service: Service): Promise<ServiceSecrets> {
  return parseJson<ServiceSecrets>((await box.readFile(fileOf(service))) ?? "{}", {});
}

/** Secrets that a person needs, such as the password of a web page. */
export async function secretsForPeople(
  box: Pick<Box, "readFile">,
  service: Service,
): Promise<ServiceSecrets> {
  const all = await readSecrets(box, service);
  return Object.fromEntries(Object.entries(all).filter(([name]) => service.secrets[name]?.label));
}

/** All secrets one by one, with their list item if there are several. */
export function eachSecret(secrets: ServiceSecrets): { name: string; word?: string; secret: string }[] {
  return Object.entries(secrets).flatMap(([name, value]) =>
    typeof value === "string"
      ? [{ name, secret: value }]
      : Object.entries(value).map(([word, secret]) => ({ name, word, secret })),
  );
}

/** All secrets of a service; generates missing ones. Secrets of removed list items are deleted. */
export async function obtainSecrets(box: Box, service: Service, inputs: Inputs): Promise<ServiceSecrets> {
  const wanted = Object.entries(service.secrets);
  if (wanted.length === 0) return {};
  const kept = await readSecrets(box, service);
  const all = Object.fromEntries(
    wanted.map(([name, { bytes, each }]) => {
      const before = kept[name];
      if (each === undefined) return [name, before ?? box.randomHex(bytes)];
      const known = typeof before === "object" ? before : {};
      const words = toList(inputs[each]).map((word) => [word, known[word] ?? box.randomHex(bytes)]);
      return [name, Object.fromEntries(words)];
    }),
  ) as ServiceSecrets;
  if (JSON.stringify(all) === JSON.stringify(kept)) return kept;
  await box.makeDirectory(paths.serviceSecrets, { mode: 0o700 });
  await box.writeFile(fileOf(service), `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 });
  return all;
}

export async function forgetSecrets(box: Box, service: Service): Promise<void> {
  await box.remove(fileOf(service));
}
