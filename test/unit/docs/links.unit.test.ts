// SPDX-License-Identifier: GPL-3.0-or-later
// Links between the documents lead somewhere, to the heading they mean, and files that they name by their path in the
// project are there. So are the documents that sources name.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { slug } from "../../../docs/site/slug.ts";
import { PROJECT } from "../../../image/host/paths.ts";

/** Files below a folder of the project, by their path there; a folder that was installed or built is none of it. */
function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name) && !/(^|\/)(node_modules|dist|cache)\//.test(name))
    .map((name) => join(folder, name));
}

const documents = [
  ...readdirSync(PROJECT).filter((name) => name.endsWith(".md")),
  ...["docs", "findings"].flatMap((folder) => filesBelow(folder, /\.md$/)),
];

/** The anchors of a document's headings. */
function anchors(document: string): string[] {
  const text = readFileSync(document, "utf8").replace(/^\s*```.*?^\s*```$/gms, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => slug(heading));
}

describe("documents", () => {
  test.each(documents)("%s", (document) => {
    const text = readFileSync(join(PROJECT, document), "utf8");
    const links = [...text.matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)].map(([, link = "", anchor]) => ({
      link,
      anchor,
      target: link ? join(PROJECT, dirname(document), link) : join(PROJECT, document),
    }));
    const local = links.filter(({ link }) => !/^[a-z]+:/.test(link));
    const lost = local.filter(
      ({ target, anchor }) => !existsSync(target) || (anchor && !anchors(target).includes(anchor)),
    );
    expect(lost.map(({ link, anchor }) => (anchor ? `${link}#${anchor}` : link))).toEqual([]);
    const named = [...text.matchAll(/`((?:image|firstboot|common|test)\/[\w./-]*\w)`/g)].map(
      ([, path = ""]) => path,
    );
    // What a build makes is not there in a fresh checkout.
    expect(named.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
  });
});

/** Without code, where signs stand for themselves. */
const outsideCode = (text: string) =>
  text.replace(/^ *```[\s\S]*?^ *```|^ {4}.*$/gm, "").replace(/`[^`]*`/g, "");

test.each(documents)("%s has nothing that is HTML by mistake", (document) => {
  const text = outsideCode(readFileSync(join(PROJECT, document), "utf8"));
  expect(text.match(/<\/?[a-z][^>\n]*/gi) ?? []).toEqual([]);
});

test("documents that sources name are there", () => {
  const sources = ["common", "firstboot", "image", "overlays", "profiles", "test"].flatMap((folder) =>
    filesBelow(folder, /\.(ts|mjs|json|yaml|sh|hbs|1)$/),
  );
  const lost = sources.flatMap((source) =>
    [...readFileSync(join(PROJECT, source), "utf8").matchAll(/(?<![\w/.])docs\/[\w/.-]+\.md/g)]
      .filter(([path]) => !existsSync(join(PROJECT, path)))
      .map(([path]) => `${source}: ${path}`),
  );
  expect(lost).toEqual([]);
});
