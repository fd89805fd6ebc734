// SPDX-License-Identifier: GPL-3.0-or-later
// What is special about a service stands in its entry of the catalogue. Code for all services names none: a service that comes
// later with the same property would be forgotten there.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OVERLAYS, PROJECT } from "../../../../image/host/paths.ts";

const IDS = readdirSync(join(OVERLAYS, "services"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Code that one service alone has, by its folder. */
const CODE_OF: { readonly [folder: string]: string } = {
  "firstboot/dns/": "guifi-dns",
  "firstboot/graphs/": "guifi-graphs",
};

/** Words that are an id, too, and mean something else there. */
const OTHER_WORDS: { readonly [file: string]: { readonly [word: string]: string } } = {
  "common/community.ts": { serf: "a section of a community's settings" },
  "common/compose.ts": {
    docker: "the one that an entry with compose needs; the entries themselves do not say it",
  },
  "firstboot/commands/index.ts": {
    "guifi-dns": "a command, which the units of the service run",
    "guifi-graphs": "a command, which the units of the service run",
  },
  "firstboot/commands/search.ts": {
    serf: "by what something was found",
    avahi: "by what something was found",
  },
  "firstboot/host/image-info.ts": { serf: "a section of a community's settings" },
  "firstboot/host/paths.ts": { avahi: "a program with a sandbox" },
  "firstboot/simulator/services.ts": { docker: "a program", syncthing: "a program" },
  "firstboot/discovery/search.ts": {
    serf: "by what something was found",
    avahi: "by what something was found",
  },
  "firstboot/services/compose.ts": { docker: "a program" },
  "firstboot/steps/system/questions.ts": { ssh: "a question of the step" },
  "firstboot/vpn/avahi.ts": { avahi: "a program with a sandbox" },
  "firstboot/vpn/sandbox.ts": { avahi: "a program with a sandbox" },
  "firstboot/vpn/surroundings.ts": { serf: "what an address is for" },
  "image/stages/workspace.ts": { serf: "a package", snmp: "a package", syncthing: "a package" },
};

/** Without comments, so that these may name one as an example. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");

/** Ids that stand in code as a whole text or as a name of a state. */
function idsIn(text: string): string[] {
  const words = IDS.join("|");
  const found = code(text).matchAll(
    new RegExp(`(["'\`])(${words})\\1|[sS]tates(?:\\(\\w+\\)\\))?\\??\\.(${words})\\b`, "g"),
  );
  return [...new Set([...found].map(([, , quoted, state]) => quoted ?? state ?? ""))].sort();
}

const files = ["firstboot", "image", "common"]
  .flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" }).map(
      (name) => `${folder}/${name}`,
    ),
  )
  .filter((file) => file.endsWith(".ts"))
  .sort();

test("idsIn finds the ids of services in code", () => {
  expect(IDS).toContain("guifi-dns");
  expect(idsIn('if (id === "serf") return states["guifi-dns"]?.inputs ?? states.etcd;')).toEqual([
    "etcd",
    "guifi-dns",
    "serf",
  ]);
  expect(idsIn("(await readStates(box)).avahi?.state")).toEqual(["avahi"]);
  expect(idsIn('// "serf"\n/* such as "etcd" */ run("serf-rpc", `docker ps`, "/usr/sbin/avahi")')).toEqual(
    [],
  );
});

test("code for all services names no service of the catalogue", () => {
  const found: { [file: string]: string[] } = {};
  for (const file of files) {
    const own = Object.entries(CODE_OF).find(([folder]) => file.startsWith(folder))?.[1];
    const known = new Set([own, ...Object.keys(OTHER_WORDS[file] ?? {})]);
    const ids = idsIn(readFileSync(join(PROJECT, file), "utf8")).filter((id) => !known.has(id));
    if (ids.length) found[file] = ids;
  }
  expect(found).toEqual({});
});

test("every allowed word still occurs in its file", () => {
  for (const [file, words] of Object.entries(OTHER_WORDS)) {
    const ids = idsIn(readFileSync(join(PROJECT, file), "utf8"));
    for (const word of Object.keys(words)) expect(ids, file).toContain(word);
  }
});
