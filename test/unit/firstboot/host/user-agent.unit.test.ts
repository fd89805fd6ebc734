// SPDX-License-Identifier: GPL-3.0-or-later
// Every request of a box to a web server of others says which program asks, and its version.

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { linuxBox } from "../../../../firstboot/host/linux.ts";
import { paths } from "../../../../firstboot/host/paths.ts";
import { PROJECT } from "../../../../image/host/paths.ts";
import { temporaryDirectory } from "../../../temporary.ts";

test.each([
  ["its image's version", JSON.stringify({ version: "0.1.0" }), "community-box/0.1.0"],
  [
    "a version that a header cannot have",
    JSON.stringify({ version: "0.1.0-2 (é)" }),
    "community-box/0.1.0-2----",
  ],
  ["no version, where the image says none", "{", "community-box/0"],
])("a request carries the product's name and %s", async (_what, image, wanted) => {
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers["user-agent"]);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const box = linuxBox({ root: temporaryDirectory() });
  await box.writeFile(paths.imageInfo, image);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const headers = { Accept: "application/json" };
  await box.request({ method: "GET", url, headers }).finally(() => server.close());
  expect(seen).toEqual([wanted]);
});

const filesBelow = (folder: string) =>
  readdirSync(join(PROJECT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const linesOf = (files: readonly string[]) =>
  files.flatMap((file) => {
    const text = readFileSync(file, "utf8").replaceAll(/\\\n\s*/g, "");
    return text.split("\n").map((line) => ({ file: file.slice(PROJECT.length + 1), line }));
  });

test("all requests of the box to web servers go through Box.request", () => {
  const asksItself = /from "node:https?"|from "node:http2"|\bfetch\(|import\("node:http/;
  const own = linesOf(filesBelow("firstboot")).filter(({ line }) => asksItself.test(line));
  expect([...new Set(own.map(({ file }) => file))]).toEqual(["firstboot/host/net.ts"]);
  const usesIt = linesOf(filesBelow("firstboot")).filter(({ line }) => /import .*\bexchange\b/.test(line));
  expect(usesIt.map(({ file }) => file)).toEqual(["firstboot/host/linux.ts"]);
});

test("requests by programs of the overlays carry the same name", () => {
  const asking = linesOf(filesBelow("overlays")).filter(
    ({ line }) => /(^|[\s;(&|])(curl|wget)\s+-/.test(line) && !line.trim().startsWith("#"),
  );
  expect(asking.length).toBeGreaterThan(0);
  for (const { file, line } of asking) expect(line, file).toContain("--user-agent {{shell user_agent}}");
});
