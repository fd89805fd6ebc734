// SPDX-License-Identifier: GPL-3.0-or-later
// Raw images in the cache, by their hash: for `cbox boot`, `cbox demo` and the tests. They are large, so old ones are
// removed; one that was used lately is kept, since a virtual machine may be running on it.
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Newest ones that are kept in any case. */
const KEEP = 3;
/** Longer than any virtual machine of ours runs on one, in milliseconds. */
const IN_USE = 2 * 3600 * 1000;
const USED = ".used";

export const rawImage = (store: string, rawSha256: string) => join(store, `${rawSha256}.img`);

/** Marks an image as used; to be called before a machine starts from it. */
export async function noteUse(image: string): Promise<void> {
  await writeFile(`${image}${USED}`, "");
}

export async function forgetOldImages(store: string): Promise<void> {
  const names = (await readdir(store)).filter((name) => name.endsWith(".img"));
  const dated = await Promise.all(
    names.map(async (name) => ({
      path: join(store, name),
      made: (await stat(join(store, name))).mtimeMs,
      used: await stat(join(store, `${name}${USED}`)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    })),
  );
  const old = dated.sort((a, b) => b.made - a.made).slice(KEEP);
  for (const { path, used } of old) {
    if (Date.now() - used < IN_USE) continue;
    await rm(path);
    await rm(`${path}${USED}`, { force: true });
  }
}
