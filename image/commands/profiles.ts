// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox profiles`: what can be built, and the families it is made from.
import { printable } from "../../common/printable.ts";
import { quoted, sayJson, sayLines } from "../../common/say.ts";
import { table } from "../host/table.ts";
import { listProfiles, type ProfileSummary } from "../profile/index.ts";

export interface ProfilesOptions {
  readonly json?: boolean;
}

export async function profilesCommand(options: ProfilesOptions): Promise<void> {
  const profiles = listProfiles();
  if (options.json) sayJson(profiles);
  else sayLines(describeProfiles(profiles));
  if (profiles.some((profile) => profile.problem)) process.exitCode = 1;
}

export function describeProfiles(profiles: readonly ProfileSummary[]): string {
  const buildable = profiles.filter((profile) => !profile.abstract && !profile.problem);
  const families = profiles.filter((profile) => profile.abstract);
  const broken = profiles.filter((profile) => profile.problem);
  const rows = buildable.map(({ id, architecture, release, title }) => [
    id,
    architecture ?? "",
    release ?? "",
    title,
  ]);
  return [
    "Profiles (./cbox build <profile>):",
    table(rows, "  "),
    "",
    "Families they continue (./cbox profile show <family>):",
    table(
      families.map(({ id, title }) => [id, title]),
      "  ",
    ),
    ...broken.map(
      ({ id, problem }) =>
        `\n${printable(id)} cannot be used: ${problem?.message}\n${quoted(problem?.found ?? "").join("\n")}`,
    ),
  ].join("\n");
}
