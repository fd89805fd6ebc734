// SPDX-License-Identifier: GPL-3.0-or-later
// The pages of the site, for each reader, in the order of its menus. A page's name in them is its first heading.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Entry {
  readonly text: string;
  readonly link: string;
}
export interface Group {
  readonly text: string;
  readonly items: readonly Entry[];
  readonly collapsed?: boolean;
}

const PROJECT = join(import.meta.dirname, "../..");

/** The owners' guides in the order in which they are needed. */
const GUIDES = [
  "before-you-begin",
  "flashing",
  "installing",
  "set-up",
  "logging-in",
  "sharing",
  "services",
  "applications",
  "converting",
  "fleet",
  "after-cloudy",
];

/** What each language of the owners' guides calls its menu. */
const TITLES: Readonly<Record<string, string>> = { en: "Owners", ca: "Propietaris", es: "Propietarios" };

/** The owners' guides of a language: those that are translated. */
export function guides(language = "en"): Group {
  const folder = language === "en" ? "docs/guides" : `docs/guides/${language}`;
  const pages = GUIDES.map((name) => `${folder}/${name}.md`);
  return { text: TITLES[language] ?? language, items: entries(pages) };
}

/** Every other page in English. */
export function menus(): Group[] {
  return [
    guides(),
    { text: "Boxes", items: entries(folder("docs/boxes")), collapsed: true },
    {
      text: "Contributors",
      items: entries([
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        ...folder("docs/architecture"),
        "docs/adding-a-service.md",
        "docs/rendezvous.md",
        "findings/README.md",
      ]),
    },
    { text: "Decisions", items: entries(folder("docs/decisions")), collapsed: true },
    {
      text: "Reference",
      items: entries([
        ...folder("docs/reference"),
        "docs/glossary.md",
        "docs/status.md",
        "SECURITY.md",
        "docs/etsi-en-303-645.md",
        "CHANGELOG.md",
        ...folder("test/bench"),
      ]),
    },
  ];
}

/** The pages of a folder: its own first, then by name. */
function folder(path: string): string[] {
  const names = readdirSync(join(PROJECT, path)).filter((name) => name.endsWith(".md"));
  const isOwn = (name: string) => name === "README.md";
  return [...names.filter(isOwn), ...names.filter((name) => !isOwn(name)).sort()].map(
    (name) => `${path}/${name}`,
  );
}

function entries(paths: readonly string[]): Entry[] {
  return paths
    .filter((path) => existsSync(join(PROJECT, path)))
    .map((path) => ({ text: heading(path), link: `/${path.replace(/\.md$/, "")}` }));
}

function heading(path: string): string {
  const [, text = path] = /^# (.*)$/m.exec(readFileSync(join(PROJECT, path), "utf8")) ?? [];
  return text.replaceAll("`", "");
}
