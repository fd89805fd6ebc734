// SPDX-License-Identifier: GPL-3.0-or-later
// Writes profiles/schemas/*.json, which editors read, from the schemas in the code:
//   node --import tsx image/write-schemas.ts && npx biome check --write profiles/schemas
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { communitySchema } from "../common/community.ts";
import { PROFILES } from "./paths.ts";
import { profileFileSchema } from "./profile/schema.ts";

/** The published schemas by file name. */
export const publishedSchemas = {
  "community.schema.json": communitySchema,
  "profile.schema.json": profileFileSchema,
} as const;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [name, schema] of Object.entries(publishedSchemas)) {
    writeFileSync(join(PROFILES, "schemas", name), `${JSON.stringify(schema, null, 2)}\n`);
  }
}
