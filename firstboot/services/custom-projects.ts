// SPDX-License-Identifier: GPL-3.0-or-later
// The owner's compose projects as services like those of the catalogue: each has a definition file on the box. The
// set-up does not ask about them; all commands support them.

import { asProject, projectDirectory } from "../../common/compose.ts";
import { parseJson } from "../../common/json.ts";
import type { Service } from "../../common/service.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import { type ProjectPlan, type ProjectPort, without } from "./compose.ts";

const fileOf = (id: string) => `${paths.ownServices}/${id}.json`;

/** The catalogue and the owner's services, most important first. */
export async function everyService(box: Pick<Box, "list" | "readFile">): Promise<readonly Service[]> {
  return [...catalogue, ...(await ownServices(box))];
}

export async function ownServices(box: Pick<Box, "list" | "readFile">): Promise<readonly Service[]> {
  const found: Service[] = [];
  for (const name of await box.list(paths.ownServices)) {
    const text = name.endsWith(".json") ? await box.readFile(`${paths.ownServices}/${name}`) : undefined;
    const service = parseJson<Service | undefined>(text ?? "", undefined);
    if (service) found.push(service);
  }
  return found;
}

export async function isOwn(box: Pick<Box, "exists">, id: string): Promise<boolean> {
  return box.exists(fileOf(id));
}

export async function remember(box: Box, service: Service): Promise<void> {
  await box.writeFile(fileOf(service.id), `${JSON.stringify(service, undefined, 2)}\n`);
}

export async function forget(box: Box, id: string): Promise<void> {
  await box.remove(fileOf(id));
}

/** After the catalogue: the owner's services are announced if there is room. */
const PRIORITY = 1000;

/**
 * A project that is in its directory already. `open`: ports that other machines may reach; the others are closed.
 * `visitor`: its first visitor becomes its administrator.
 */
export function ownProject(
  id: string,
  { images, ports, announcedAs }: ProjectPlan,
  open: readonly ProjectPort[],
  { visitor = false } = {},
): Service {
  const words = (text: string) => ({ en: text, ca: text, es: text });
  const service = asProject({
    ...{ id, title: words(id), description: words(images.join(", ") || id) },
    ...{ enabled: false, priority: PRIORITY, source: "network", packages: [], managed: true },
    compose: { file: "compose.yaml.hbs" },
    where: { allowed: ["community"] },
    architectures: ["amd64", "arm64", "armhf", "i386"],
    ports: [
      ...open.map((port) => ({ ...entryOf(port), public: true, shared: false })),
      ...without(ports, open).map((port) => ({
        ...entryOf(port),
        ...{ public: false, shared: false, closed: true },
      })),
    ],
    ...{ needs: {}, units: [], inputs: {}, secrets: {}, files: [], facts: {}, health: { wait_seconds: 180 } },
    ...{ prepare: [], activate: [], deactivate: [], data: [] },
    ...(visitor && open.length > 0 ? { first_account: "visitor" } : {}),
    ...(open.some(({ last }) => last === undefined)
      ? { publication: { type: "Docker", description: announcedAs, each_port: true, txt: "" } }
      : {}),
  });
  // The owner's files are already in place, with their own names.
  return { ...service, files: [], data: [projectDirectory(id)], templates: {} };
}

function entryOf({ port, last, protocol, inside }: ProjectPort) {
  return {
    ...{ port, protocol },
    ...(last === undefined ? {} : { last }),
    ...(inside === undefined ? {} : { inside }),
  };
}
