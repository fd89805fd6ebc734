// SPDX-License-Identifier: GPL-3.0-or-later
// Writes firstboot/i18n/steps.ts, which joins the texts of the steps, from the existing folders. It loads no step, so
// that it also runs when a folder was added or removed; docs/generate.ts writes the rest.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PROJECT } from "../image/host/paths.ts";

export const STEP_TEXTS = "firstboot/i18n/steps.ts";
const LANGUAGES = ["ca", "en", "es"];

/** The file's text. `project`: the folder of the project. */
export function stepTexts(project: string): string {
  const steps = join(project, "firstboot/steps");
  const ids = readdirSync(steps)
    .filter((id) => existsSync(join(steps, id, "texts")))
    .sort();
  const imports = ids.flatMap((id) =>
    LANGUAGES.map(
      (each) => `import { ${each} as ${nameOf(each, id)} } from "../steps/${id}/texts/${each}.ts";`,
    ),
  );
  const catalogues = LANGUAGES.map((each) => {
    const parts = ids.map((id) => `  ...${checked(each, id)},`);
    return `export const ${each} = {\n${parts.join("\n")}\n};\n`;
  });
  return `// SPDX-License-Identifier: GPL-3.0-or-later
// The texts of the steps, put together. Written by \`npm run docs\` from the folders in firstboot/steps/.

${imports.join("\n")}
import type { StepNames } from "./translation.ts";

${catalogues.join("\n")}`;
}

/** "enMember" */
function nameOf(language: string, id: string): string {
  return `${language}${id.charAt(0).toUpperCase()}${id.slice(1)}`;
}

/** The type of the other languages follows from English. */
function checked(language: string, id: string): string {
  const name = nameOf(language, id);
  return language === "en" ? `(${name} satisfies StepNames<"${id}">)` : name;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(join(PROJECT, STEP_TEXTS), stepTexts(PROJECT));
}
