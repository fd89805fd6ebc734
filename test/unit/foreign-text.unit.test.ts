// SPDX-License-Identifier: GPL-3.0-or-later
// There is one way from both command lines to the terminal, on which control signs are shown.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT } from "../../image/host/paths.ts";

test("all commands print through common/say.ts", () => {
  const raw = /\bconsole\.(log|error|warn|info)\(|\bprocess\.std(out|err)\.write\(/;
  const allowed = new Map([
    ["common/say.ts", "the way itself"],
    ["common/ask-terminal.ts", "a question, made printable there"],
    ["firstboot/main.ts", "the end of a command (firstboot/commands/ending.ts)"],
    ["image/guest/terminal.ts", "a sentence of our own"],
  ]);
  const files = ["common", "firstboot", "image"].flatMap((folder) =>
    readdirSync(join(PROJECT, folder), { recursive: true, encoding: "utf8" }).map(
      (name) => `${folder}/${name}`,
    ),
  );
  const found = files.filter(
    (file) => file.endsWith(".ts") && raw.test(readFileSync(join(PROJECT, file), "utf8")),
  );
  expect(found.sort()).toEqual([...allowed.keys()].sort());
});
