// SPDX-License-Identifier: GPL-3.0-or-later
// What a service with a compose file is, in the terms of any other service: Docker beside it, files in a directory of
// its own, and one unit that starts and stops the project.
import type { ServiceFile } from "./service.ts";

/** In the context where the project runs; the unit says the same (overlays/services/docker). */
export const PROJECTS = "/var/lib/community-box/compose";
/** The service whose unit and program a project needs. */
export const ENGINE = "docker";

export const projectDirectory = (id: string) => `${PROJECTS}/${id}`;
export const projectUnit = (id: string) => `cbox-compose@${id}.service`;

/** The service with what follows from `compose`; as it was without. */
export function asProject(service: ServiceFile): ServiceFile {
  const { id, compose, needs, units, files, data } = service;
  if (!compose) return service;
  const directory = projectDirectory(id);
  const rights = { owner: "root:root", keep: false } as const;
  return {
    ...service,
    needs: { ...needs, services: [...new Set([...(needs.services ?? []), ENGINE])] },
    units: [projectUnit(id), ...units],
    files: [
      { template: compose.file, target: `${directory}/compose.yaml`, mode: "0644", ...rights },
      ...(compose.environment
        ? [{ template: compose.environment, target: `${directory}/.env`, mode: "0600", ...rights }]
        : []),
      ...files,
    ],
    data: [directory, ...data],
  };
}
