// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox profile show ID`: the profile as the build sees it, and with --origin where each value was written.

import { stringify } from "yaml";
import { sayDocument, sayJson, sayLines } from "../../common/say.ts";
import { table } from "../host/table.ts";
import { type ProfileOrigin, profileOrigins, showProfile } from "../profile/index.ts";

export interface ProfileShowOptions {
  readonly origin?: boolean;
  readonly json?: boolean;
}

const LONGEST_VALUE = 40;

export async function profileShowCommand(id: string, options: ProfileShowOptions): Promise<void> {
  if (options.origin) {
    const origins = profileOrigins(id);
    if (options.json) sayJson(origins);
    else sayLines(describeOrigins(origins));
  } else {
    const profile = showProfile(id);
    if (options.json) sayJson(profile);
    else sayDocument(stringify(profile));
  }
}

export function describeOrigins(origins: readonly ProfileOrigin[]): string {
  return table(
    origins.map(({ field, value, file, line }) => [
      field,
      short(String(value)),
      file ? `${file}:${line}` : "(default)",
    ]),
  );
}

function short(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 3)}...` : text;
}
