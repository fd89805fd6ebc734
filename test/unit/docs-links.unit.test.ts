// SPDX-License-Identifier: GPL-3.0-or-later
// Links between the documents lead somewhere, and files that they name by their path in the project are there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";

const documents = [
  ".",
  "docs",
  "docs/architecture",
  "docs/boxes",
  "docs/decisions",
  "docs/reference",
  "findings",
].flatMap((folder) =>
  readdirSync(join(PROJECT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

test.each(documents)("links and paths exist in %s", (document) => {
  const text = readFileSync(join(PROJECT, document), "utf8");
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
  const local = links.filter((link) => !/^[a-z]+:/.test(link));
  expect(local.filter((link) => !existsSync(join(PROJECT, dirname(document), link)))).toEqual([]);
  const named = [...text.matchAll(/`((?:image|firstboot|common|test)\/[\w./-]*\w)`/g)].map(
    ([, path = ""]) => path,
  );
  // What a build makes is not there in a fresh checkout.
  expect(named.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
});
