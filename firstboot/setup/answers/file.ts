// SPDX-License-Identifier: GPL-3.0-or-later
// answers.yaml on the boot partition: reads it, and wipes its secrets once they have been used.

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

/** The name of a file that was probably meant to be answers.yaml: editors and browsers append to its name. */
export async function misnamedAnswers(
  box: Pick<Box, "exists" | "list">,
  { boot_mount: directory }: Pick<ImageInfo, "boot_mount">,
): Promise<string | undefined> {
  if (await box.exists(answersPaths(directory).answers)) return undefined;
  const names = await box.list(directory).catch(() => []);
  return names.find((name) => /^answers?(\.ya?ml)?([ ._(-]*\d*\)?)?(\.ya?ml|\.txt)$/i.test(name));
}

/** Reads and checks the file. Its secrets go to `secrets`; the result holds everything else. */
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

/** The data of an answers file, or why it cannot be read: another encoding, or not YAML. Never quotes the file. */
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
    // Only the position: the parser's message quotes the line, which may contain the password.
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
 * Removes the secrets from the file: first overwrites them in place on the disk, then rewrites the file without them.
 * Can be repeated after a power cut at any point. Returns whether there was something to wipe.
 */
export async function wipeAnswers({ box, image, steps }: Omit<AnswersTools, "secrets">): Promise<boolean> {
  const { answers: path } = answersPaths(image.boot_mount);
  const bytes = await box.readBytes(path);
  if (bytes === undefined) return false;
  const { blotted, clean } = await redactBytes(bytes, secretFields(steps));
  if (clean.equals(bytes)) return false;
  await box.overwrite(path, blotted);
  // If the file has another encoding or is not YAML, it is not rewritten.
  if (!clean.equals(blotted)) await box.writeFile(path, clean.toString());
  return true;
}

/** Paths of the steps' secrets, and the names of all fields: a known field name marks the end of a secret. */
export function secretFields(steps: readonly Step[]): SecretFields {
  const paths = steps.flatMap((step) =>
    secretQuestions(step).map(({ path }) => [step.id, ...path.split(".")]),
  );
  return { paths, known: new Set(fieldNames(answersSchema(steps))) };
}

/** All field names of a schema, with those of nested objects and list items. */
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

/** SHA-256 of the file as it is now, in hexadecimal; undefined if there is no file. */
export async function answersFileHash(
  box: Pick<Box, "readBytes">,
  { boot_mount: directory }: Pick<ImageInfo, "boot_mount">,
): Promise<string | undefined> {
  const bytes = await box.readBytes(answersPaths(directory).answers);
  return bytes === undefined ? undefined : createHash("sha256").update(bytes).digest("hex");
}

/**
 * For a reset: the file that this box was set up with would be read again, or refused because its secrets are wiped.
 * It is renamed when data is kept, else deleted. A file that was added since, for the next set-up, stays. Can be
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
