// SPDX-License-Identifier: GPL-3.0-or-later
// The services of systemd that the project ships, as the box gets them: units and drop-ins of the overlays and of the
// catalogue.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readCatalogue } from "../common/catalogue.ts";
import { templateRenderer } from "../common/service-template.ts";
import { SERVICES } from "../image/host/paths.ts";
import { loadCommunity } from "../image/profile/index.ts";
import { sampleData } from "../image/services/lint.ts";
import { finishFile } from "../image/stages/template.ts";

const OVERLAYS = join(import.meta.dirname, "../overlays");
const PLACES = /^(?:usr\/lib|etc)\/systemd\/system\/[^/]+\.service(?:\.d\/[^/]+\.conf)?$/;
const SANDBOXES = /^usr\/lib\/community-box\/sandbox\/[^/]+\.conf$/;
const DATA = { profile: { consoles: [] }, boot_unit: "boot-efi.mount" };

export interface ShippedUnit {
  /** On the box, without leading slash. */
  readonly path: string;
  readonly text: string;
}

export async function shippedUnits(): Promise<ShippedUnit[]> {
  return [...(await ofOverlays()), ...(await ofCatalogue())];
}

async function ofOverlays(): Promise<ShippedUnit[]> {
  const found: ShippedUnit[] = [];
  for (const overlay of readdirSync(OVERLAYS)) {
    const files = join(OVERLAYS, overlay, "files");
    if (overlay === "services" || !statSync(files, { throwIfNoEntry: false })) continue;
    for (const entry of readdirSync(files, { recursive: true, withFileTypes: true })) {
      const source = join(entry.parentPath, entry.name);
      const target = source.slice(files.length + 1);
      const path = target.replace(/\.hbs$/, "");
      if (!entry.isFile() || !(PLACES.test(path) || SANDBOXES.test(path))) continue;
      found.push({ path, text: (await finishFile({ source, target }, DATA)).content.toString() });
    }
  }
  return found;
}

async function ofCatalogue(): Promise<ShippedUnit[]> {
  const render = await templateRenderer();
  const community = loadCommunity("guifi");
  return readCatalogue(SERVICES).flatMap((service) =>
    service.files
      .filter(({ target }) => PLACES.test(target.slice(1)))
      .map(({ template, target }) => ({
        path: target.slice(1),
        text: render(service.templates[template] ?? "", sampleData(service, community)),
      })),
  );
}
