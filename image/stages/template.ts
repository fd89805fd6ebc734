// SPDX-License-Identifier: GPL-3.0-or-later
// Renders the files of an overlay: NAME.hbs is a Handlebars template and becomes NAME, all others are unchanged.
// In a unit, `{{> sandbox}}` means the same as in the units of services.
import { readFile } from "node:fs/promises";
import Handlebars from "handlebars";
import { fail } from "../../common/fail.ts";
import { SANDBOX } from "../../common/service-template.ts";

export interface OverlayFile {
  /** Path in the project. */
  readonly source: string;
  /** Path on the box, without leading slash; for a hook its file name. */
  readonly target: string;
  /** Octal mode, from the executable bit of the source. */
  readonly mode: number;
  readonly link?: string;
  readonly sha256: string;
}

const SUFFIX = ".hbs";

export interface FinishedFile {
  /** Path on the box, without leading slash. */
  readonly path: string;
  readonly content: Buffer;
}

/**
 * @param data the variables of the template; an undefined name is an error
 * @throws Failure `template-broken`
 */
export async function finishFile(
  { source, target }: Pick<OverlayFile, "source" | "target">,
  data: object,
): Promise<FinishedFile> {
  const content = await readFile(source);
  if (!target.endsWith(SUFFIX)) return { path: target, content };
  const path = target.slice(0, -SUFFIX.length);
  try {
    const render = Handlebars.compile(content.toString(), { strict: true, noEscape: true });
    const text = render(data, { partials: { sandbox: SANDBOX } });
    return { path, content: Buffer.from(text) };
  } catch (error) {
    return fail({
      code: "template-broken",
      what: `The template for /${target} cannot be rendered.`,
      found: (error as Error).message.split("\n")[0] ?? "",
      hint: `look at ${source}; templates see ${Object.keys(data).join(", ")}`,
    });
  }
}
