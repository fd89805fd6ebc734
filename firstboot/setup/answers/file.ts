// SPDX-License-Identifier: GPL-3.0-or-later
// answers.yaml on the boot partition: read it, and wipe the secrets from it once they have been used.

import { createHash } from "node:crypto";
import { decodeText } from "../../../common/text-encoding.ts";
import type { Box } from "../../host/box.ts";
import type { ImageInfo } from "../../host/image-info.ts";
import { answersPaths } from "../../host/paths.ts";
import type { FoundAnswers } from "../machine.ts";
import { type Problem, problem } from "../problems.ts";
import { secretQuestions } from "../questions.ts";
import type { Secrets } from "../secrets.ts";
import type { Answers, Step } from "../step.ts";
import { checkFile } from "./check.ts";
import { redactBytes, type SecretFields } from "./redact.ts";
import { answersSchema } from "./schema.ts";

export interface AnswersTools {
  readonly box: Box;
  readonly image: ImageInfo;
  readonly steps: readonly Step[];
  readonly secrets: Secrets;
}

/** The name of a file that was probably meant to be answers.yaml: editors and browsers add their own to it. */
export async function misnamedAnswers(
  box: Pick<Box, "exists" | "list">,
  { boot_mount: directory }: Pick<ImageInfo, "boot_mount">,
): Promise<string | undefined> {
  if (await box.exists(answersPaths(directory).answers)) return undefined;
  const names = await box.list(directory).catch(() => []);
  return names.find((name) => /^answers?(\.ya?ml)?([ ._(-]*\d*\)?)?(\.ya?ml|\.txt)$/i.test(name));
}

/** Reads and checks the file. Its secrets go to `secrets`, all else is in the result. */
export async function readAnswers({ box, image, steps, secrets }: AnswersTools): Promise<FoundAnswers> {
  const bytes = await box.readBytes(answersPaths(image.boot_mount).answers);
  if (bytes === undefined) return { kind: "none" };
  const parsed = await parseAnswers(bytes);
  if ("problem" in parsed)
    return { kind: "refused", answers: {}, providedSecrets: [], problems: [parsed.problem] };
  const { data } = parsed;
  if (data === null) return { kind: "none" };
  const { problems, answers } = await checkFile(data, steps, box, image);
  const kept: Record<string, Answers> = {};
  const providedSecrets: string[] = [];
  for (const step of steps) {
    const { answers: rest, newSecrets } = secrets.take(step, answers[step.id] ?? {});
    kept[step.id] = rest;
    providedSecrets.push(...newSecrets);
  }
  return { kind: problems.length ? "refused" : "valid", answers: kept, providedSecrets, problems };
}

/** What a file of answers says, or why nobody can tell: another encoding, or no YAML. Nothing of it is quoted. */
export async function parseAnswers(
  bytes: Uint8Array,
): Promise<{ readonly data: unknown } | { readonly problem: Problem }> {
  const decoded = decodeText(bytes);
  if ("encoding" in decoded) {
    const { encoding, line } = decoded;
    return { problem: problem("", "file-encoding", { found: encoding, values: { encoding, line } }) };
  }
  const { LineCounter, parseDocument, visit } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(decoded.text, { lineCounter: lines });
  const notYaml = (found: string, at: number) => ({
    // Only the place: the parser's message quotes the line, and that may be the password's.
    problem: problem("", "yaml-syntax", { found, values: { line: lines.linePos(at).line } }),
  });
  const [mistake] = document.errors;
  if (mistake) return notYaml(mistake.code, mistake.pos[0]);
  let lost: number | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (!alias.resolve(document)) lost ??= alias.range?.[0] ?? 0;
    },
  });
  return lost === undefined ? { data: document.toJS() as unknown } : notYaml("BAD_ALIAS", lost);
}

/**
 * Takes the secrets out of the file: first blotted out where they are on the disk, then the file is written anew
 * without them. Can be repeated after a power cut at any point. Returns whether there was something to wipe.
 */
export async function wipeAnswers({ box, image, steps }: Omit<AnswersTools, "secrets">): Promise<boolean> {
  const { answers: path } = answersPaths(image.boot_mount);
  const bytes = await box.readBytes(path);
  if (bytes === undefined) return false;
  const { blotted, clean } = await redactBytes(bytes, secretFields(steps));
  if (clean.equals(bytes)) return false;
  await box.overwrite(path, blotted);
  // In another encoding or not YAML: there is nothing to write anew.
  if (!clean.equals(blotted)) await box.writeFile(path, clean.toString());
  return true;
}

/** Secrets of the steps, and the names of all fields, by which the end of a secret is found. */
export function secretFields(steps: readonly Step[]): SecretFields {
  const paths = steps.flatMap((step) =>
    secretQuestions(step).map(({ path }) => [step.id, ...path.split(".")]),
  );
  return { paths, known: new Set(fieldNames(answersSchema(steps))) };
}

/** Of a schema: of its objects, and of those in its lists. */
function fieldNames({
  properties = {},
  items,
}: {
  readonly properties?: object;
  readonly items?: object;
}): string[] {
  const own = Object.entries(properties).flatMap(([name, field]) => [name, ...fieldNames(field as object)]);
  return items ? [...own, ...fieldNames(items)] : own;
}

/** SHA-256 of the file as it is now, in hexadecimal; undefined where there is none. */
export async function answersFileHash(
  box: Pick<Box, "readBytes">,
  { boot_mount: directory }: Pick<ImageInfo, "boot_mount">,
): Promise<string | undefined> {
  const bytes = await box.readBytes(answersPaths(directory).answers);
  return bytes === undefined ? undefined : createHash("sha256").update(bytes).digest("hex");
}

/**
 * For a reset: the file that the box was set up by would be taken, or without its secrets refused, once more. It gets
 * another name where data stays, else it goes. One that was put there since, for the next set-up, is left alone. Can be
 * repeated after a power cut at any point.
 */
export async function retireAnswers(
  box: Box,
  image: ImageInfo,
  { hash, keep }: { readonly hash: string | undefined; readonly keep: boolean },
): Promise<void> {
  const { answers, report, used } = answersPaths(image.boot_mount);
  if (hash === undefined || (await answersFileHash(box, image)) !== hash) return;
  if (keep) return box.rename(answers, used);
  await box.remove(report);
  await box.remove(answers);
}
