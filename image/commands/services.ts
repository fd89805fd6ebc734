// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services`: the catalogue on the build machine: what is in it, a new entry, what is wrong with one, and which
// container images it names.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readCatalogue, readService } from "../../common/catalogue.ts";
import { imagesByTag, readImageName, withoutDigest } from "../../common/container-image.ts";
import { didYouMean } from "../../common/did-you-mean.ts";
import { Failure, fail, foundList } from "../../common/fail.ts";
import { say, sayJson, sayLines } from "../../common/say.ts";
import type { Service } from "../../common/service.ts";
import { cacheDir } from "../cache/directory.ts";
import { LOCKS, SERVICES, shownPath } from "../host/paths.ts";
import { table } from "../host/table.ts";
import { loadCommunity } from "../profile/index.ts";
import {
  type Answer,
  askForAll,
  type EntryOfService,
  type RecordedImage,
  recordDigest,
  recordedImages,
} from "../services/digests.ts";
import { lint, lintComments } from "../services/lint.ts";
import { lintPackages } from "../services/packages.ts";
import { scaffold } from "../services/scaffold.ts";

export interface NewServiceOptions {
  readonly compose?: boolean;
  readonly dir?: string;
}

export interface ServicesListOptions {
  readonly json?: boolean;
}

export interface ServicesDigestsOptions {
  /** Only look: write nothing, and fail when a tag was moved. */
  readonly check?: boolean;
  /** One image, as a compose file writes it; the digest and the tag may be left out. */
  readonly image?: string;
}

const NAME = /^[a-z][a-z0-9-]*$/;

export const SERVICES_COMMANDS = { list, new: create, check, digests };

async function list({ json = false }: ServicesListOptions): Promise<void> {
  const services = readCatalogue(SERVICES).map(({ id, title, source, where, architectures }) => ({
    ...{ id, title: title.en, source, where: where.allowed, architectures },
  }));
  if (json) return sayJson(services);
  sayLines(table(services.map((each) => [each.id, each.source, each.where.join(", "), each.title])));
}

/** Fails with `service-name`, `service-exists`. */
async function create(id: string, { compose = false, dir = SERVICES }: NewServiceOptions): Promise<void> {
  if (!NAME.test(id)) {
    fail({
      code: "service-name",
      what: `"${id}" cannot be the name of a service.`,
      found: "expected lower-case letters, digits and hyphens, such as my-wiki",
      hint: "./cbox services new my-wiki",
    });
  }
  const folder = join(resolve(dir), id);
  if (existsSync(folder)) {
    fail({
      code: "service-exists",
      what: `There is a service "${id}" already.`,
      found: shownPath(folder),
      hint: `./cbox services check ${shownPath(folder)}`,
    });
  }
  const files = scaffold(id, compose ? "compose" : "packages");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    say(shownPath(join(folder, name)));
  }
  say("");
  say(`Fill in what says WRITE, then: ./cbox services check ${shownPath(folder)}`);
}

/** The project's entries; one that is being written is no hindrance to looking at another. */
function readable(): Service[] {
  return readdirSync(SERVICES).flatMap((id) => {
    try {
      return [readService(SERVICES, id)];
    } catch (error) {
      if (error instanceof Failure) return [];
      throw error;
    }
  });
}

/** Its files by name. */
function textsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name === "service.yaml" || name.endsWith(".hbs"));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The service in a folder. Fails with `service-missing`, `service-invalid`. */
function entryIn(path: string): EntryOfService {
  const folder = resolve(path);
  if (!existsSync(join(folder, "service.yaml"))) {
    fail({
      code: "service-missing",
      what: `There is no service in ${shownPath(folder)}.`,
      found: "expected a file service.yaml",
      hint: "./cbox services new NAME",
    });
  }
  return { folder, service: readService(dirname(folder), basename(folder)) };
}

const withoutProof = (image: string) =>
  `${image} has no digest, so boxes take whatever that tag points to on the day: ./cbox services digests records it`;

/** Fails with `service-missing`, `service-invalid`, the latter with all mistakes at once. */
async function check(folders: readonly string[]): Promise<void> {
  const community = loadCommunity("guifi");
  const known = readable();
  const wanted = folders.length ? folders : known.map(({ id }) => join(SERVICES, id));
  const wrong: string[] = [];
  for (const { folder, service } of wanted.map(entryIn)) {
    const { id } = service;
    const others = known.filter((other) => other.id !== id);
    const inDebian = await lintPackages(service, { locks: LOCKS, lists: join(cacheDir(), "apt") });
    for (const sentence of inDebian.unchecked) say(`${id}: ${sentence}.`);
    for (const image of imagesByTag(service)) say(`${id}: ${withoutProof(image)}.`);
    const mistakes = [
      ...(await lint(service, others, community)),
      ...lintComments(textsIn(folder)),
      ...inDebian.mistakes,
    ];
    if (mistakes.length === 0) say(`${id} is right.`);
    else wrong.push(...mistakes.map((mistake) => `${shownPath(folder)}: ${mistake}`));
  }
  if (wrong.length === 0) return;
  fail({
    code: "service-invalid",
    what: wrong.length === 1 ? "There is one mistake." : `There are ${wrong.length} mistakes.`,
    found: foundList(wrong),
    hint: "correct the files; the form is in profiles/schemas/service.schema.json",
  });
}

/**
 * Asks the registries what the tags of container images point to today, and writes that beside them; `check` only says
 * it. Fails with `service-missing`, `service-invalid`, `image-name`; with `image-moved` where `check` finds that; and, when
 * all are asked for that can be, with `image-registry`, `image-login`, `image-unknown`, `image-tag`,
 * `image-architectures`, or `image-digests` for several of these.
 */
async function digests(
  folders: readonly string[],
  { check: isCheck = false, image }: ServicesDigestsOptions,
): Promise<void> {
  const wanted = folders.length ? folders : readable().map(({ id }) => join(SERVICES, id));
  const images = named(recordedImages(wanted.map(entryIn)), image);
  if (images.length === 0) return say("These services have no container images.");
  const answers = await askForAll(images);
  const moved = answers.filter(isMoved);
  for (const answer of answers) {
    say(`${answer.tagged}: ${outcome(answer, isCheck)}`);
    if (!isCheck && !(answer.today instanceof Failure)) recordDigest(answer, answer.today.digest);
  }
  const failures = answers.flatMap(({ today }) => (today instanceof Failure ? today : []));
  if (failures.length) return notAsked([...new Set(failures)]);
  if (!isCheck || moved.length === 0) return;
  fail({
    code: "image-moved",
    what: moved.length === 1 ? "A tag was moved." : `${moved.length} tags were moved.`,
    found: moved.map(({ tagged }) => tagged).join(", "),
    hint: "Boxes keep to the digests that are recorded. Look at the projects' pages why; ./cbox services digests takes the new ones.",
  });
}

/** All of them, or the one that is asked for. Fails with `image-name`. */
function named(images: readonly RecordedImage[], wanted: string | undefined): readonly RecordedImage[] {
  if (wanted === undefined) return images;
  const isIt = ({ tagged }: RecordedImage) =>
    tagged === withoutDigest(wanted) || readImageName(tagged).name === wanted;
  const found = images.filter(isIt);
  if (found.length) return found;
  const names = images.map(({ tagged }) => tagged);
  const guess = didYouMean(wanted, [...names, ...names.map((each) => readImageName(each).name)]);
  return fail({
    code: "image-name",
    what: `No compose file here names the image "${wanted}".`,
    found: names.join(", ") || "no images",
    hint: guess ? `did you mean "${guess}"?` : "./cbox services digests --check",
  });
}

function isMoved({ recorded, today }: Answer): boolean {
  return (
    !(today instanceof Failure) && recorded.some((digest) => digest !== undefined && digest !== today.digest)
  );
}

function outcome(answer: Answer, isCheck: boolean): string {
  const { recorded, today } = answer;
  if (today instanceof Failure) return today.message;
  const before = recorded.map((digest) => digest ?? "none").join(", ");
  if (before === today.digest) return "as recorded";
  if (!isCheck) return `${today.digest} is recorded now, before: ${before}`;
  return isMoved(answer)
    ? `was moved; recorded: ${before}, today: ${today.digest}`
    : `no digest is recorded everywhere; today: ${today.digest}`;
}

function notAsked(failures: readonly Failure[]): never {
  const [first] = failures;
  if (failures.length === 1 && first) throw first;
  const hints = new Set(failures.map(({ hint }) => hint));
  return fail({
    code: "image-digests",
    what: `${failures.length} questions to registries were in vain; what the others answered is dealt with.`,
    found: failures.map(({ message, found }) => `\n  - ${message} (${found})`).join(""),
    hint: (hints.size === 1 && first?.hint) || "One by one: ./cbox services digests --check --image NAME",
  });
}
