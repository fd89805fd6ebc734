// SPDX-License-Identifier: GPL-3.0-or-later
// The catalogue on the box: packed and checked by the build, beside the program. When run from source, it is read
// from the directories.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Service } from "../../common/service.ts";

const PACKED = new URL("./services/catalogue.json", import.meta.url);
const FOLDERS = new URL("../../overlays/services", import.meta.url);

/** Every service, most important first. */
export const catalogue: readonly Service[] = existsSync(PACKED)
  ? (JSON.parse(readFileSync(PACKED, "utf8")) as Service[])
  : existsSync(FOLDERS)
    ? await readFolders()
    : [];

export function findService(id: string): Service | undefined {
  return catalogue.find((service) => service.id === id);
}

async function readFolders(): Promise<Service[]> {
  // The box's bundle is built without this module.
  const { readCatalogue } = await import("../../common/catalogue.ts");
  return readCatalogue(fileURLToPath(FOLDERS));
}
