// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets of services: made on the box the first time they are needed, the same ever after, in a file that only root
// may read. Nothing else of the box repeats them.

import type { Service } from "../../common/service.ts";
import type { Box } from "../box.ts";
import { paths } from "../paths.ts";
import { parseJson } from "../world.ts";

export type ServiceSecrets = { readonly [name: string]: string };

const fileOf = ({ id }: Service) => `${paths.serviceSecrets}/${id}.json`;

async function readSecrets(box: Pick<Box, "readFile">, service: Service): Promise<ServiceSecrets> {
  return parseJson<ServiceSecrets>((await box.readFile(fileOf(service))) ?? "{}", {});
}

/** Those that a person needs, such as the password of a web page. */
export async function secretsForPeople(
  box: Pick<Box, "readFile">,
  service: Service,
): Promise<ServiceSecrets> {
  const all = await readSecrets(box, service);
  return Object.fromEntries(Object.entries(all).filter(([name]) => service.secrets[name]?.label));
}

/** All secrets of a service, made now where they are missing. */
export async function obtainSecrets(box: Box, service: Service): Promise<ServiceSecrets> {
  const wanted = Object.entries(service.secrets);
  if (wanted.length === 0) return {};
  const kept = await readSecrets(box, service);
  const missing = wanted.filter(([name]) => kept[name] === undefined);
  if (missing.length === 0) return kept;
  const made = Object.fromEntries(missing.map(([name, { bytes }]) => [name, box.randomHex(bytes)]));
  const all = { ...kept, ...made };
  await box.makeDirectory(paths.serviceSecrets, { mode: 0o700 });
  await box.writeFile(fileOf(service), `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 });
  return all;
}

export async function forgetSecrets(box: Box, service: Service): Promise<void> {
  await box.remove(fileOf(service));
}
