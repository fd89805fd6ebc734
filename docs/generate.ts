// SPDX-License-Identifier: GPL-3.0-or-later
// Generates what follows from the code: the published JSON Schemas and their pages, the machine's diagrams, the tables
// of errors, the page of each box, and the lists of steps. `npm run docs`; a unit test fails when it has to be run.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { communitySchema } from "../common/community.ts";
import { serviceSchema } from "../common/service.ts";
import { ca, es } from "../firstboot/i18n/index.ts";
import { answersSchema } from "../firstboot/setup/answers/schema.ts";
import { machineDiagram, stepDiagram, stepsDiagram } from "../firstboot/steps/diagram.ts";
import { allSteps } from "../firstboot/steps/index.ts";
import { WORDS } from "../image/answers/words.ts";
import { PROJECT } from "../image/host/paths.ts";
import { listProfiles } from "../image/profile/index.ts";
import { profileFileSchema } from "../image/profile/schema.ts";
import { boxPages } from "./boxes.ts";
import { errorTables } from "./errors.ts";
import { schemaPages } from "./schema-pages.ts";
import { serviceTable } from "./service-table.ts";
import { COMPLETION, COMPLETION_MARKS, completionArms, MAN_MARKS, MAN_PAGE, manSteps } from "./step-lists.ts";
import { STEP_TEXTS, stepTexts } from "./step-texts.ts";

const STATE_MACHINE = "docs/reference/state-machine.md";
const FIRST_BOOT = "docs/architecture/first-boot.md";
const CATALOGUE = "docs/guides/services.md";
const RELEASE = ".github/workflows/release.yml";
const RELEASE_MARKS = ["# the profiles, written by npm run docs", "# end of the profiles"] as const;
const ERRORS = "docs/reference/errors.md";

/** Every generated text by its path in the project. */
export function generated(): Map<string, string> {
  const json = (data: object) => `${JSON.stringify(data, null, 2)}\n`;
  return new Map([
    ["profiles/schemas/profile.schema.json", json(profileFileSchema)],
    ["profiles/schemas/community.schema.json", json(communitySchema)],
    ["profiles/schemas/service.schema.json", json(serviceSchema)],
    ["profiles/schemas/answers.schema.json", json(answersSchema(allSteps))],
    [STATE_MACHINE, filled(STATE_MACHINE, { machine: mermaid(machineDiagram()) })],
    [
      FIRST_BOOT,
      filled(FIRST_BOOT, {
        "order of steps": mermaid(stepsDiagram()),
        "states of one step": mermaid(stepDiagram()),
      }),
    ],
    [ERRORS, filled(ERRORS, errorTables())],
    [COMPLETION, replaced(COMPLETION, COMPLETION_MARKS, completionArms())],
    [MAN_PAGE, replaced(MAN_PAGE, MAN_MARKS, manSteps())],
    [STEP_TEXTS, stepTexts(PROJECT)],
    [WORDS, json({ ca: askedWords(ca), es: askedWords(es) })],
    [CATALOGUE, filled(CATALOGUE, serviceTable())],
    [RELEASE, replaced(RELEASE, RELEASE_MARKS, releaseMatrix())],
    ...schemaPages(),
    ...boxPages(),
  ]);
}

/** The profiles that a release builds: all that can be. */
function releaseMatrix(): string {
  const whole = listProfiles().filter(({ abstract, problem }) => !abstract && !problem);
  return whole.map(({ id }) => `          - ${id}\n`).join("");
}

function mermaid(diagram: string): string {
  return `\`\`\`mermaid\n${diagram}\`\`\`\n`;
}

/** A page with texts put between the marks of their names; what stands around them is written by hand. */
function filled(path: string, texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts).reduce(
    (page, [name, text]) => {
      const [begin, end] = [`<!-- the ${name}, written by npm run docs -->`, `<!-- end of the ${name} -->`];
      const [before = "", rest = ""] = page.split(begin);
      const after = rest.split(end)[1] ?? "";
      return `${before}${begin}\n\n${text}\n${end}${after}`;
    },
    readFileSync(join(PROJECT, path), "utf8"),
  );
}

/** A file whose lines between two marks are generated. */
function replaced(path: string, [begin, end]: readonly [string, string], lines: string): string {
  const page = readFileSync(join(PROJECT, path), "utf8");
  const from = page.indexOf(begin) + begin.length + 1;
  const to = page.lastIndexOf("\n", page.indexOf(end)) + 1;
  return page.slice(0, from) + lines + page.slice(to);
}

/** Questions by their field. A text with a placeholder is left out: only a box has the value. */
function askedWords(texts: Readonly<Record<string, string>>): Record<string, string> {
  const asked = Object.entries(texts).filter(
    ([key, text]) => key.startsWith("ask.") && !/\{\w+\}/.test(text),
  );
  return Object.fromEntries(asked.map(([key, text]) => [key.slice("ask.".length), text]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, text] of generated()) writeFileSync(join(PROJECT, path), text);
}
