// SPDX-License-Identifier: GPL-3.0-or-later
// The site of the documents: it loads nothing from other servers, its menus have every page, and its lock file says no
// registry.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { linkedFiles } from "../../../docs/site/linked-files.ts";
import { assertOffline, loadedFromElsewhere } from "../../../docs/site/offline.ts";
import { guides, menus } from "../../../docs/site/pages.ts";
import { PROJECT } from "../../../image/host/paths.ts";

describe("what a browser would load from another server is found", () => {
  test.each([
    ["a script", '<script async src="https://stats.example/a.js"></script>', "https://stats.example/a.js"],
    ["a style sheet", "<link rel=stylesheet href=//fonts.example/css>", "//fonts.example/css"],
    ["a picture", '<img alt="a" src="http://pictures.example/a.png">', "http://pictures.example/a.png"],
    [
      "a picture in a script's text",
      'x("<img src=\\"https://a.example/b.svg\\">")',
      "https://a.example/b.svg",
    ],
    ["a font", "src:url(https://fonts.example/inter.woff2)", "https://fonts.example/inter.woff2"],
    ["a style sheet of a style sheet", '@import "https://fonts.example/css"', "https://fonts.example/css"],
    ["a module", 'import("https://cdn.example/vue.js")', "https://cdn.example/vue.js"],
    ["a static module", 'import a from"https://cdn.example/vue.js"', "https://cdn.example/vue.js"],
    ["a request", 'fetch("https://search.example/q")', "https://search.example/q"],
    ["a socket", 'new WebSocket("wss://live.example/")', "wss://live.example/"],
    ["an element made by a script", 's.src="https://cdn.example/s.js"', "https://cdn.example/s.js"],
  ])("%s", (_name, text, address) => {
    expect(loadedFromElsewhere(text)).toEqual([address]);
  });

  test.each([
    ["a link that waits for a click", '<a class="x" href="https://guifi.net" target="_blank">'],
    ["an address in a text", "See https://guifi.net, or curl https://guifi.net/api"],
    ["a name space", '<svg xmlns="http://www.w3.org/2000/svg">'],
    ["its own files", '<script src="/assets/app.js"></script><img src="data:image/png;base64,AA">'],
  ])("and not %s", (_name, text) => {
    expect(loadedFromElsewhere(text)).toEqual([]);
  });

  test("in the files of a site, with their names", () => {
    const site = mkdtempSync(join(tmpdir(), "cbox-site-"));
    onTestFinished(() => rmSync(site, { recursive: true }));
    writeFileSync(join(site, "index.html"), '<a href="https://guifi.net">');
    expect(() => assertOffline(site)).not.toThrow();
    writeFileSync(join(site, "app.js"), 'fetch("https://a.example/b")');
    expect(() => assertOffline(site)).toThrow("app.js: https://a.example/b");
  });
});

test("every page of the documents is in a menu", () => {
  const listed = [...menus(), guides("ca"), guides("es")].flatMap(({ items }) =>
    items.map(({ link }) => link),
  );
  const pages = readdirSync(join(PROJECT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
    .map((name) => `/docs/${name.replace(/\.md$/, "")}`);
  expect(pages.filter((page) => !listed.includes(page))).toEqual([]);
});

test("files that pages link to come along", () => {
  expect(linkedFiles(PROJECT, ["docs/guides/set-up.md", "README.md"])).toEqual(
    expect.arrayContaining(["profiles/schemas/answers.schema.json", "profiles/communities/guifi.yaml"]),
  );
});

test("its lock file names no registry", () => {
  expect(readFileSync(join(PROJECT, "docs/site/package-lock.json"), "utf8")).not.toContain('"resolved"');
});
