// SPDX-License-Identifier: GPL-3.0-or-later
// The documents of the project as a web site: the same files, at the same paths, so that their links fit here as they
// do in the repository. The README is the first page.
import { join } from "node:path";
import { defineConfig, type Plugin } from "vitepress";
import { copyLinkedFiles } from "../linked-files.ts";
import { assertOffline } from "../offline.ts";
import { guides, menus } from "../pages.ts";
import { slug } from "../slug.ts";

const PROJECT = join(import.meta.dirname, "../../..");

// VitePress takes a link for one to a page unless it knows the ending.
process.env.VITE_EXTRA_EXTENSIONS = "sh";

/** Pages lie outside this package: those that are rendered here find its Vue when they are loaded, not before. */
const vueOfThisPackage: Plugin = {
  name: "vue-of-this-package",
  enforce: "pre",
  resolveId: (name, _importer, { ssr }) =>
    ssr && /^vue(\/|$)/.test(name) ? { id: name, external: true } : undefined,
};

/** Makes browsers refuse content from other servers, in case `assertOffline` misses some. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
].join("; ");

interface Words {
  readonly menu: string;
  readonly appearance: string;
  readonly top: string;
  readonly onThisPage: string;
  readonly previous: string;
  readonly next: string;
  readonly languages: string;
}

/** The frame around the owners' guides in another language. */
function translated(language: string, words: Words) {
  const menu = guides(language);
  return {
    nav: [
      { text: menu.text, link: menu.items[0]?.link ?? "/" },
      { text: "English", link: "/" },
    ],
    sidebar: [menu],
    outline: { level: [2, 3] as [number, number], label: words.onThisPage },
    docFooter: { prev: words.previous, next: words.next },
    sidebarMenuLabel: words.menu,
    darkModeSwitchLabel: words.appearance,
    returnToTopLabel: words.top,
    langMenuLabel: words.languages,
  };
}

const searchWords = (
  search: string,
  none: string,
  reset: string,
  open: string,
  go: string,
  close: string,
) => ({
  translations: {
    button: { buttonText: search, buttonAriaLabel: search },
    modal: {
      noResultsText: none,
      resetButtonTitle: reset,
      footer: { selectText: open, navigateText: go, closeText: close },
    },
  },
});

export default defineConfig({
  title: "Community Box",
  description: "Turns a small computer into a server of your community network",
  srcDir: PROJECT,
  srcExclude: ["out/**", "overlays/**", "profiles/**", "test/lab/**"],
  rewrites: { "README.md": "index.md" },
  outDir: join(PROJECT, "docs/site/.vitepress/dist"),
  cacheDir: join(PROJECT, "docs/site/.vitepress/cache"),
  head: [["meta", { "http-equiv": "Content-Security-Policy", content: POLICY }]],
  markdown: { anchor: { slugify: slug } },
  // Pages are text: braces in them, as of templates, are no expressions of Vue.
  vue: { template: { compilerOptions: { delimiters: ["{{vue:", ":vue}}"] } } },
  locales: {
    root: { label: "English", lang: "en" },
    "docs/guides/ca": {
      label: "Català",
      lang: "ca",
      link: "/docs/guides/ca/before-you-begin",
      themeConfig: translated("ca", {
        menu: "Menú",
        appearance: "Aspecte",
        top: "Torna a dalt",
        onThisPage: "En aquesta pàgina",
        previous: "Anterior",
        next: "Següent",
        languages: "Canvia la llengua",
      }),
    },
    "docs/guides/es": {
      label: "Español",
      lang: "es",
      link: "/docs/guides/es/before-you-begin",
      themeConfig: translated("es", {
        menu: "Menú",
        appearance: "Aspecto",
        top: "Volver arriba",
        onThisPage: "En esta página",
        previous: "Anterior",
        next: "Siguiente",
        languages: "Cambiar el idioma",
      }),
    },
  },
  themeConfig: {
    // Few pages are translated: the menu of languages leads to the first guide of each.
    i18nRouting: false,
    nav: [
      { text: "Owners", link: "/docs/guides/before-you-begin" },
      { text: "Contributors", link: "/CONTRIBUTING" },
      { text: "Reference", link: "/docs/reference/commands" },
    ],
    sidebar: menus(),
    outline: [2, 3],
    search: {
      provider: "local",
      options: {
        locales: {
          "docs/guides/ca": searchWords("Cerca", "No s'ha trobat", "Esborra", "obre", "mou", "tanca"),
          "docs/guides/es": searchWords(
            "Buscar",
            "No se ha encontrado",
            "Borrar",
            "abrir",
            "mover",
            "cerrar",
          ),
        },
      },
    },
  },
  vite: {
    plugins: [vueOfThisPackage],
    resolve: {
      alias: [{ find: /^.*\/VPSocialLink\.vue$/, replacement: join(import.meta.dirname, "nothing.vue") }],
    },
  },
  buildEnd({ outDir, pages }) {
    copyLinkedFiles(PROJECT, pages, outDir);
    assertOffline(outDir);
  },
});
