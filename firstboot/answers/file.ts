// SPDX-License-Identifier: GPL-3.0-or-later
// answers.yaml on the boot partition: read it, and wipe the secrets from it once they have been used.

import { createHash } from "node:crypto";
import type { Box } from "../box.ts";
import type { ImageInfo } from "../image-info.ts";
import type { FoundAnswers } from "../machine.ts";
import { answersPaths } from "../paths.ts";
import { problem } from "../problems.ts";
import { secretQuestions } from "../questions.ts";
import type { Secrets } from "../secrets.ts";
import type { Answers, Step } from "../steps/step.ts";
import { checkFile } from "./check.ts";

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
  const text = await box.readFile(answersPaths(image.boot_mount).answers);
  if (text === undefined) return { kind: "none" };
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake) {
    // Only the place: the message quotes the line, and that may be the password's.
    const line = mistake.linePos?.[0].line ?? 0;
    const problems = [problem("", "yaml-syntax", { found: mistake.code, values: { line } })];
    return { kind: "refused", answers: {}, given: [], problems };
  }
  const data: unknown = document.toJS();
  if (data === null) return { kind: "none" };
  const { problems, answers } = await checkFile(data, steps, box, image);
  const kept: Record<string, Answers> = {};
  const given: string[] = [];
  for (const step of steps) {
    const { answers: rest, taken } = secrets.take(step, answers[step.id] ?? {});
    kept[step.id] = rest;
    given.push(...taken);
  }
  return { kind: problems.length ? "refused" : "valid", answers: kept, given, problems };
}

/**
 * Takes the secrets out of the file: first blotted out where they are on the disk, then the file is written anew
 * without them. Can be repeated after a power cut at any point. Returns whether there was something to wipe.
 */
export async function wipeAnswers({ box, image, steps }: Omit<AnswersTools, "secrets">): Promise<boolean> {
  const { answers: path } = answersPaths(image.boot_mount);
  const text = await box.readFile(path);
  if (text === undefined) return false;
  const secretPaths = steps.flatMap((step) =>
    secretQuestions(step).map((question) => [step.id, ...question.path.split(".")]),
  );
  const { blotted, clean } = await redact(text, secretPaths);
  if (clean === text) return false;
  await box.overwrite(path, Buffer.from(blotted));
  await box.writeFile(path, clean);
  return true;
}

/** SHA-256 of the file as it is now, in hexadecimal; undefined where there is none. */
export async function answersFileHash(
  box: Pick<Box, "readFile">,
  { boot_mount: directory }: Pick<ImageInfo, "boot_mount">,
): Promise<string | undefined> {
  const text = await box.readFile(answersPaths(directory).answers);
  return text === undefined ? undefined : createHash("sha256").update(text).digest("hex");
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

/** `blotted`: same bytes with spaces for the secrets. `clean`: the file to keep. */
export async function redact(
  text: string,
  secretPaths: readonly (readonly string[])[],
): Promise<{ blotted: string; clean: string }> {
  const { parseDocument, isNode } = await import("yaml");
  const document = parseDocument(text, { keepSourceTokens: true });
  const names = new Set(secretPaths.map((path) => path.at(-1) ?? ""));
  if (document.errors.length) {
    const blotted = blotByName(text, names);
    return { blotted, clean: blotted };
  }
  let blotted = text;
  let found = false;
  for (const path of secretPaths) {
    const node: unknown = document.hasIn(path) ? document.getIn(path, true) : undefined;
    if (!document.hasIn(path)) continue;
    found = true;
    if (isNode(node) && node.range) blotted = blot(blotted, node.range[0], node.range[1]);
    document.deleteIn(path);
  }
  if (!found) return { blotted: text, clean: text };
  const note = " The box has wiped the secrets from this file after using them.";
  document.commentBefore = document.commentBefore ? `${document.commentBefore}\n${note}` : note;
  return { blotted, clean: document.toString() };
}

function blot(text: string, from: number, to: number): string {
  const secret = text.slice(from, to);
  // As many bytes as before, and lines stay lines.
  const blank = [...secret]
    .map((sign) => (/[\r\n]/.test(sign) ? sign : " ".repeat(Buffer.byteLength(sign))))
    .join("");
  return text.slice(0, from) + blank + text.slice(to);
}

/** For a file that is not YAML: whatever stands after the name of a secret. */
function blotByName(text: string, names: ReadonlySet<string>): string {
  const pattern = new RegExp(
    `((?:${[...names].join("|")})["']?\\s*:[ \\t]*)("[^"\\n]*"?|'[^'\\n]*'?|[^,}\\n]*)`,
    "gi",
  );
  return text.replace(
    pattern,
    (_all, before: string, value: string) => before + " ".repeat(Buffer.byteLength(value)),
  );
}
