// SPDX-License-Identifier: GPL-3.0-or-later
// What remains of a set-up: the marker that it is done, with what is still missing, and the answers without secrets.

import { parseJson } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import { paths } from "../host/paths.ts";
import type { AllAnswers, Warning } from "./step.ts";

/** Units wait for this file to exist; `cbox` reads its content. */
export interface Marker {
  readonly configured: string;
  readonly version: string;
  /** Paths of the secrets that were given, e.g. "member.password". */
  readonly providedSecrets: readonly string[];
  readonly warnings: readonly Warning[];
  /** SHA-256 of the answers.yaml of this set-up after its secrets were wiped. */
  readonly answers_file?: string | undefined;
}

/** The format on disk. On boxes set up before December 2026, `provided_secrets` is called `given`. */
interface MarkerFile extends Omit<Marker, "providedSecrets"> {
  readonly provided_secrets?: readonly string[];
  readonly given?: readonly string[];
}

/** Undefined if the box is not set up. */
export async function readMarker(box: Pick<Box, "readFile">): Promise<Marker | undefined> {
  const text = await box.readFile(paths.configured);
  if (text === undefined) return undefined;
  const marker = parseJson<Partial<MarkerFile>>(text, {});
  const { configured = "", version = "", provided_secrets, given, warnings = [], answers_file } = marker;
  return { configured, version, providedSecrets: provided_secrets ?? given ?? [], warnings, answers_file };
}

export async function writeMarker(box: Box, marker: Marker): Promise<void> {
  const { configured, version, providedSecrets, warnings, answers_file } = marker;
  const file: MarkerFile = { configured, version, provided_secrets: providedSecrets, warnings, answers_file };
  await box.writeFile(paths.configured, `${JSON.stringify(file, undefined, 2)}\n`);
}

/** The answers of the last set-up; empty if the file is missing or damaged. */
export async function readKeptAnswers(box: Pick<Box, "readFile">): Promise<AllAnswers> {
  const text = await box.readFile(paths.answersKept);
  if (text === undefined) return {};
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const data: unknown = document.errors.length ? {} : document.toJS();
  if (typeof data !== "object" || data === null) return {};
  const sections = Object.entries(data).filter(
    ([, section]) => typeof section === "object" && section !== null,
  );
  return Object.fromEntries(sections) as AllAnswers;
}
