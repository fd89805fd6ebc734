// SPDX-License-Identifier: GPL-3.0-or-later
// The lists of an image (common/image-lists.ts): taken from its root file system by the build, and found again beside
// it.
import { existsSync, readFileSync } from "node:fs";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import type { ImageLists } from "../../common/image-lists.ts";

const ZONEINFO = "/usr/share/zoneinfo";

/** Files the checks read, and what of them: lines of another kind are the larger part. */
const READ: Readonly<Record<string, RegExp>> = {
  "/etc/passwd": /^[^:]+:.*\n/gm,
  "/etc/group": /^[^:]+:.*\n/gm,
  [`${ZONEINFO}/iso3166.tab`]: /^[A-Z]{2}\t.*\n/gm,
  [`${ZONEINFO}/zone.tab`]: /^[A-Z]{2}\t.*\n/gm,
  [`${ZONEINFO}/tzdata.zi`]: /^L .*\n/gm,
  "/usr/share/X11/xkb/rules/base.lst": /^! layout\n[^!]*/gm,
};

/** Files whose existence the checks need: without them the box asks for no keyboard, or has no Wi-Fi. */
const THERE = ["/usr/bin/setupcon", "/usr/sbin/wpa_supplicant", "/usr/sbin/wpa_cli", "/usr/sbin/iw"];

/** @param root the root file system of an image */
export async function listsOf(root: string): Promise<ImageLists> {
  const files: Record<string, string> = {};
  for (const [path, wanted] of Object.entries(READ)) {
    const text = await readFile(join(root, path), "utf8").catch(() => undefined);
    if (text !== undefined) files[path] = (text.match(wanted) ?? []).join("");
  }
  for (const path of THERE) {
    const isThere = await access(join(root, path)).then(
      () => true,
      () => false,
    );
    if (isThere) files[path] = "";
  }
  const zones = await filesBelow(join(root, ZONEINFO));
  return { format: 1, files, directories: { [ZONEINFO]: zones } };
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Name of the file beside the image. `name`: that of its manifest. */
export function listsFile(name: string): string {
  return `${name}.lists.json`;
}

/** The lists of the image in a folder; undefined where there is none, or one that was built before there were lists. */
export function findLists(folder: string): ImageLists | undefined {
  const manifest = join(folder, "manifest.json");
  if (!existsSync(manifest)) return undefined;
  const { name } = parsed<{ name: string }>(manifest);
  const path = join(folder, listsFile(name));
  return existsSync(path) ? parsed<ImageLists>(path) : undefined;
}

function parsed<T>(path: string): T {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    return fail(
      {
        code: "lists-damaged",
        what: `${path} is damaged.`,
        found: (error as Error).message,
        hint: "build or download the image once more",
      },
      { cause: error },
    );
  }
}
