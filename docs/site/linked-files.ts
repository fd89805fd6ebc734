// SPDX-License-Identifier: GPL-3.0-or-later
// Files of the project that pages link to and that are no pages themselves: the site has them at the same place.
import { cpSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Their paths in the project, by the links of these pages. */
export function linkedFiles(project: string, pages: readonly string[]): string[] {
  const links = pages.flatMap((page) =>
    [...readFileSync(join(project, page), "utf8").matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:|\.md$/.test(link))
      .map((link) => normalize(join(dirname(page), link))),
  );
  return [...new Set(links)].sort();
}

/** @throws Error where one of them is not there */
export function copyLinkedFiles(project: string, pages: readonly string[], site: string): void {
  for (const path of linkedFiles(project, pages)) cpSync(join(project, path), join(site, path));
}
