// SPDX-License-Identifier: GPL-3.0-or-later
// `cbox services`: the catalogue on the build machine: what is in it, a new entry, and what is wrong with one.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { readCatalogue, readService } from "../../common/catalogue.ts";
import { Failure, fail } from "../../common/fail.ts";
import { printable } from "../../common/printable.ts";
import { say, sayJson, sayLines } from "../../common/say.ts";
import type { Service } from "../../common/service.ts";
import { cacheDir } from "../cache-dir.ts";
import { LOCKS, SERVICES, shownPath } from "../paths.ts";
import { loadCommunity } from "../profile/index.ts";
import { lint, lintComments } from "../services/lint.ts";
import { lintPackages } from "../services/packages.ts";
import { scaffold } from "../services/scaffold.ts";
import { table } from "../table.ts";

export interface NewServiceOptions {
  readonly compose?: boolean;
  readonly dir?: string;
}

export interface ServicesListOptions {
  readonly json?: boolean;
}

const NAME = /^[a-z][a-z0-9-]*$/;

export const SERVICES_COMMANDS = { list, new: create, check };

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

/** Fails with `service-missing`, `service-invalid`, the latter with all mistakes at once. */
async function check(folders: readonly string[]): Promise<void> {
  const community = loadCommunity("guifi");
  const known = readable();
  const wanted = folders.length ? folders : known.map(({ id }) => join(SERVICES, id));
  const wrong: string[] = [];
  for (const folder of wanted.map((each) => resolve(each))) {
    const id = basename(folder);
    if (!existsSync(join(folder, "service.yaml"))) {
      fail({
        code: "service-missing",
        what: `There is no service in ${shownPath(folder)}.`,
        found: "expected a file service.yaml",
        hint: "./cbox services new NAME",
      });
    }
    const service = readService(dirname(folder), id);
    const others = known.filter((other) => other.id !== id);
    const inDebian = await lintPackages(service, { locks: LOCKS, lists: join(cacheDir(), "apt") });
    for (const sentence of inDebian.unchecked) say(`${id}: ${sentence}.`);
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
    found: wrong.map((each) => `\n  - ${printable(each)}`).join(""),
    hint: "correct the files; the form is in profiles/schemas/service.schema.json",
  });
}
