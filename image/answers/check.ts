// SPDX-License-Identifier: GPL-3.0-or-later
// Checks answers files on the build machine with the box's own checks, those of firstboot/, loaded on demand.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import type { ImageLists } from "../../common/image-lists.ts";
import { type FieldError, sentence } from "../../common/schema.ts";
import type { ImageInfo } from "../../firstboot/host/image-info.ts";
import type { Mistake } from "../../firstboot/offline-check/check.ts";
import { PROFILES, PROJECT } from "../host/paths.ts";
import { imageFacts } from "../profile/image-facts.ts";
import { loadCommunity, type ResolvedProfile } from "../profile/index.ts";
import { listed, placed, type YamlFile } from "../profile/yaml-file.ts";
import type { Manifest } from "../published/manifest.ts";
import { findLists } from "./lists.ts";

const USUAL = "guifi";

/** The image that the answers are for, as far as it is known. */
export interface ForImage {
  readonly profile: ResolvedProfile;
  /** Id of the community, or its file; the usual one unless said. */
  readonly community?: string;
  /** Those of the image, where it is at hand. */
  readonly lists?: ImageLists;
}

/**
 * The facts of an image. Its community may be a file that only its builder has; the checks are the same.
 * @param folder where the image and its lists are
 */
export function forManifest(
  { profile, community }: Pick<Manifest, "profile" | "community">,
  folder: string,
): ForImage {
  const isOurs = existsSync(join(PROFILES, "communities", `${community}.yaml`));
  return { profile, community: isOurs ? community : USUAL, ...listsIn(folder) };
}

/** The lists of the image in a folder, if it has any. */
export function listsIn(folder: string): Pick<ForImage, "lists"> {
  const lists = findLists(folder);
  return lists ? { lists } : {};
}

/** What only the box itself can say: its cards and disks, its room. */
const ONLY_THE_BOX = ["install", "network.interface", "network.wifi", "contexts", "services"];
/** What only the community's servers can say. */
const ONLY_THE_SERVERS = ["member", "node"];
/** What is looked up in the lists of the image. */
const OF_THE_IMAGE = ["system.keyboard", "system.timezone", "system.owner.name", "network.wifi.country"];

/** Sentences about what cannot be checked here. */
export function unchecked(files: readonly unknown[], { profile, lists }: ForImage): string[] {
  const said = (fields: readonly string[]) =>
    fields.filter((field) => files.some((data) => valueAt(data, field) !== undefined)).join(", ");
  const groups: [string, string][] = [
    [
      said(lists ? [] : OF_THE_IMAGE),
      `Not checked, since there is no image of ${profile.id} here (./cbox build ${profile.id}, or --image FOLDER)`,
    ],
    [said(ONLY_THE_BOX), "Only the box can tell whether it has what these need"],
    [said(ONLY_THE_SERVERS), "Only the community's servers can tell whether these are known"],
  ];
  return groups.filter(([fields]) => fields !== "").map(([fields, why]) => `${why}: ${fields}.`);
}

/** Sentences about valid values that may be unintended. */
export function remarks(data: unknown): string[] {
  const ssid = valueAt(data, "network.wifi.ssid");
  const isOpen = ssid !== undefined && !valueAt(data, "network.wifi.passphrase");
  return isOpen
    ? [`network.wifi: ${JSON.stringify(ssid)} is an open network, since there is no passphrase.`]
    : [];
}

function valueAt(data: unknown, field: string): unknown {
  return field
    .split(".")
    .reduce<unknown>(
      (here, name) =>
        typeof here === "object" && here !== null ? (here as Record<string, unknown>)[name] : undefined,
      data,
    );
}

/** Every mistake of each file, in their order; a thousand files take a few seconds. */
export async function mistakesIn(
  files: readonly unknown[],
  { profile, community = USUAL, lists }: ForImage,
): Promise<readonly (readonly Mistake[])[]> {
  const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { version: string };
  const plan = { profile, version, community: loadCommunity(community) };
  const image = JSON.parse(JSON.stringify(imageFacts(plan, ""))) as ImageInfo;
  const { checkElsewhere } = await import("../../firstboot/offline-check/check.ts");
  return checkElsewhere(files, image, lists);
}

/** @throws Failure `answers-refused`, with every mistake of every file and its line */
export async function demandRight(files: readonly YamlFile[], image: ForImage): Promise<void> {
  const mistakes = await mistakesIn(
    files.map(({ data }) => data),
    image,
  );
  const lines = files.flatMap((file, index) =>
    mistakes[index]!.map((mistake) => placed(file, mistake, inWords)),
  );
  if (lines.length === 0) return;
  fail({
    code: "answers-refused",
    what: `The answers have ${lines.length === 1 ? "a mistake" : `${lines.length} mistakes`}; nothing was done.`,
    found: listed(lines),
    hint: `correct them and try again; they were checked for ${image.profile.id} (--profile); ./cbox answers new shows every field`,
  });
}

/** What a step expects is a sentence already; what the schema expects is the end of one. */
export function inWords(mistake: FieldError<string>): string {
  const { field, found, expected, hint } = mistake;
  if (!expected.endsWith(".")) return sentence(mistake);
  const quoted = found === "nothing" ? "" : ` Found: ${found}.`;
  return `${field}: ${expected}${quoted}${hint ? ` ${hint}` : ""}`;
}
