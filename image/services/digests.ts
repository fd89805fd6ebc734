// SPDX-License-Identifier: GPL-3.0-or-later
// Compares the digests of container images in compose files of the catalogue with those of the registries today.
// Boxes fetch by digest, so a moved tag reaches no box before its new digest is written here.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imagesOf, readImageName, withoutDigest, writeDigest } from "../../common/container-image.ts";
import { Failure, fail } from "../../common/fail.ts";
import type { Service } from "../../common/service.ts";
import { askTag, hostOf, isUnreached, type TagTarget } from "./registry.ts";

/** One image, in all the compose files that name it. */
export interface RecordedImage {
  /** NAME:TAG. */
  readonly tagged: string;
  /** The digests that are written; undefined where there is none. More than one when two files differ. */
  readonly recorded: readonly (string | undefined)[];
  readonly services: readonly EntryOfService[];
}

export interface EntryOfService {
  readonly folder: string;
  readonly service: Service;
}

export interface Answer extends RecordedImage {
  /** What the tag points to today, or why that is not known. */
  readonly today: TagTarget | Failure;
}

/** By name, each once. */
export function recordedImages(entries: readonly EntryOfService[]): RecordedImage[] {
  const found = new Map<string, { recorded: Set<string | undefined>; services: EntryOfService[] }>();
  for (const entry of entries) {
    for (const image of imagesOf(entry.service)) {
      const tagged = withoutDigest(image);
      const one = found.get(tagged) ?? { recorded: new Set(), services: [] };
      one.recorded.add(readImageName(image).digest);
      if (!one.services.includes(entry)) one.services.push(entry);
      found.set(tagged, one);
    }
  }
  return [...found]
    .map(([tagged, { recorded, services }]) => ({ tagged, recorded: [...recorded], services }))
    .sort((a, b) => (a.tagged < b.tagged ? -1 : 1));
}

/** Asks for each; a registry that is not reached is asked once. */
export async function askForAll(images: readonly RecordedImage[]): Promise<Answer[]> {
  const unreached = new Map<string, Failure>();
  const answers: Answer[] = [];
  for (const image of images) {
    const host = hostOf(image.tagged);
    const today = unreached.get(host) ?? (await askFor(image));
    if (isUnreached(today)) unreached.set(host, today);
    answers.push({ ...image, today });
  }
  return answers;
}

async function askFor({ tagged, services }: RecordedImage): Promise<TagTarget | Failure> {
  try {
    const target = await askTag(tagged);
    const wanted = [...new Set(services.flatMap(({ service }) => service.architectures))];
    if (!target.isIndex && wanted.length > 1) return ofOneArchitecture(tagged, wanted);
    return target;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Its digest would be that of one architecture, and the boxes of the others could not run it. */
function ofOneArchitecture(tagged: string, wanted: readonly string[]): never {
  return fail({
    code: "image-architectures",
    what: `The tag of ${tagged} names an image of one architecture.`,
    found: `services that name it are for ${wanted.join(", ")}`,
    hint: 'Name an image that has them all, or take architectures off "architectures" of service.yaml.',
  });
}

/** Today's digest into every compose file that names the image. */
export function recordDigest({ tagged, services }: RecordedImage, digest: string): void {
  for (const { folder, service } of services) {
    const path = join(folder, service.compose?.file ?? "");
    const text = readFileSync(path, "utf8");
    const written = writeDigest(text, tagged, digest);
    if (written !== text) writeFileSync(path, written);
  }
}
