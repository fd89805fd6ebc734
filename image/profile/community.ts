// SPDX-License-Identifier: GPL-3.0-or-later
// Loads a community: one of profiles/communities, or a file of the person's own.
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Community, checkCommunity } from "../../common/community.ts";
import { fail } from "../../common/fail.ts";
import { didYouMean } from "../../common/schema.ts";
import { PROFILES } from "../host/paths.ts";
import { type Frozen, freeze } from "./frozen.ts";
import { listed, placed, readYamlFile } from "./yaml-file.ts";

/**
 * @param idOrPath `guifi`, or a path: anything with a slash or a YAML ending.
 * @throws Failure `community-unknown`, `community-invalid`, `yaml-invalid`
 */
export function loadCommunity(
  idOrPath: string,
  dir: string = join(PROFILES, "communities"),
): Frozen<Community> {
  const isPath = /\/|\.ya?ml$/.test(idOrPath);
  const path = isPath ? resolve(idOrPath) : join(dir, `${idOrPath}.yaml`);
  if (!existsSync(path)) unknown(idOrPath, isPath ? undefined : dir);

  const file = readYamlFile(path);
  const checked = checkCommunity(file.data ?? {});
  if (checked.ok) return freeze(checked.value);
  const count = checked.errors.length;
  return fail({
    code: "community-invalid",
    what: `The community file ${file.name} has ${count === 1 ? "a mistake" : `${count} mistakes`}.`,
    found: listed(checked.errors.map((error) => placed(file, error))),
    hint: "profiles/communities/guifi.yaml is a complete example with comments",
  });
}

function unknown(idOrPath: string, dir: string | undefined): never {
  if (!dir) {
    return fail({
      code: "community-unknown",
      what: `There is no community file ${idOrPath}.`,
      found: `nothing at ${resolve(idOrPath)}`,
      hint: "copy profiles/communities/guifi.yaml there and change it",
    });
  }
  const ids = readdirSync(dir).flatMap((name) =>
    name.endsWith(".yaml") ? [name.slice(0, -".yaml".length)] : [],
  );
  const guess = didYouMean(idOrPath, ids);
  return fail({
    code: "community-unknown",
    what: `There is no community "${idOrPath}"${guess ? `; did you mean "${guess}"?` : "."}`,
    found: `the communities ${ids.sort().join(", ")}`,
    hint: "name one of these, or the path of your own file: --community ./my-community.yaml",
  });
}
