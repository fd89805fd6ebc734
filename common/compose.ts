// SPDX-License-Identifier: GPL-3.0-or-later
// Converts a service with a compose file to an ordinary service: it needs Docker, has files in its own directory, and
// one unit that starts and stops the project.
import type { ServiceFile } from "./service.ts";

/** Directory in the project's context; the unit has the same path (overlays/services/docker). */
export const PROJECTS = "/var/lib/community-box/compose";
/** The service with the unit and program that a project needs. */
export const ENGINE = "docker";

export const projectDirectory = (id: string) => `${PROJECTS}/${id}`;
export const projectUnit = (id: string) => `cbox-compose@${id}.service`;

/** The service with the additions for `compose`; unchanged if it has none. */
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
