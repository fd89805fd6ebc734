// SPDX-License-Identifier: GPL-3.0-or-later
// From the name of a profile to the complete, checked and frozen description the build works with.
import { existsSync, readdirSync } from "node:fs";
import { Failure, fail } from "../../common/fail.ts";
import { compileSchema, didYouMean, sentence } from "../../common/schema.ts";
import { PROFILES } from "../host/paths.ts";
import { failWithMistakes, loadChain, mergeChain, type ProfileDirs, profileIds } from "./chain.ts";
import { overlayDirs, ownProfiles } from "./directories.ts";
import { type Frozen, freeze } from "./frozen.ts";
import { type Leaf, leaves, plain, type Tracked, track } from "./merge.ts";
import { type Profile, profileSchema, propertiesOf } from "./schema.ts";

export type ResolvedProfile = Frozen<Profile>;

export interface ProfileOptions {
  /** The only directory of profiles; the project's own, behind a person's, unless said. */
  readonly dir?: string | undefined;
  /** The only directory of overlays the profiles name; the same holds. */
  readonly overlays?: string;
}

/** One line of `cbox profiles`. */
export interface ProfileSummary {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly abstract: boolean;
  readonly parent?: string;
  readonly release?: string;
  readonly architecture?: string;
  /** Why it cannot be used, when its files are wrong. */
  readonly problem?: Failure;
}

/** A leaf of the merged profile and where it was written; without file it is the schema's default. */
export interface ProfileOrigin {
  readonly field: string;
  readonly value: Leaf["value"];
  readonly file?: string;
  readonly line?: number;
}

function profileDirs(dir: string | undefined): ProfileDirs {
  const own = dir === undefined ? ownProfiles() : undefined;
  return own ? [own, PROFILES] : [dir ?? PROFILES];
}

const checkProfile = compileSchema<Profile>(profileSchema, { name: "a profile" });

/**
 * The profile, merged with its ancestors, complete and frozen. Key order is the schema's, so equal profiles are equal
 * texts whatever the order in their files.
 * @throws Failure `profile-abstract` for a family, and all of {@link mergedProfile}'s.
 */
export function resolveProfile(id: string, options: ProfileOptions = {}): ResolvedProfile {
  const merged = mergedProfile(id, options);
  const data = plain(merged) as Partial<Profile>;
  if (data.abstract === true) {
    const children = listProfiles(options.dir).filter((profile) => !profile.abstract && !profile.problem);
    fail({
      code: "profile-abstract",
      what: `The profile "${id}" is a family that other profiles continue; it cannot be built itself.`,
      found: "abstract: true",
      hint: `build one of: ${children.map((child) => child.id).join(", ")}`,
    });
  }
  const checked = checkProfile(data);
  const mistakes = checked.ok
    ? contradictions(checked.value, options.overlays ? [options.overlays] : overlayDirs())
    : checked.errors.map((error) => `${placeOf(error.field, merged, id)}: ${sentence(error)}`);
  failWithMistakes(id, mistakes);
  if (!checked.ok) throw new Error("unreachable: an incomplete profile has mistakes");
  return freeze(inSchemaOrder(checked.value, profileSchema) as Profile);
}

/**
 * The profile as far as its files go; a family may be incomplete. `parent` has done its work and is gone.
 * @throws Failure `profile-unknown`, `profile-parent-unknown`, `profile-cycle`, `profile-invalid`, `yaml-invalid`
 */
export function mergedProfile(id: string, { dir }: ProfileOptions = {}): Tracked {
  const merged = mergeChain(loadChain(id, profileDirs(dir)));
  if (merged.kind !== "map") return merged;
  return { kind: "map", entries: new Map([...merged.entries].filter(([key]) => key !== "parent")) };
}

/** The same as plain data, defaults filled where it is complete: what `cbox profile show` prints. */
export function showProfile(id: string, options: ProfileOptions = {}): unknown {
  const data = plain(mergedProfile(id, options)) as Partial<Profile>;
  return data.abstract ? inSchemaOrder(data, profileSchema) : resolveProfile(id, options);
}

/** Every leaf with the file and line it was written in. */
export function profileOrigins(id: string, options: ProfileOptions = {}): readonly ProfileOrigin[] {
  const written = leaves(mergedProfile(id, options));
  const final = leavesOf(showProfile(id, options));
  return [...final].map(([field, value]) => ({ field, value, ...written.get(field)?.origin }));
}

/** All profiles, families too, sorted by id. One that is wrong is listed with its problem. */
export function listProfiles(dir?: string): readonly ProfileSummary[] {
  const dirs = profileDirs(dir);
  return profileIds(dirs).map((id) => {
    try {
      const own = loadChain(id, dirs).at(-1)?.data;
      const merged = plain(mergedProfile(id, { dir })) as Partial<Profile>;
      return {
        id,
        title: own?.title ?? id,
        description: own?.description ?? "",
        abstract: own?.abstract ?? false,
        ...(own?.parent ? { parent: own.parent } : {}),
        ...(merged.release ? { release: merged.release } : {}),
        ...(merged.architecture ? { architecture: merged.architecture } : {}),
      };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { id, title: id, description: "", abstract: false, problem: error };
    }
  });
}

/** What no single field shows. */
function contradictions(profile: Profile, overlays: readonly string[]): readonly string[] {
  const { memory_mib, boot, architecture } = profile;
  const folders = overlays
    .filter((dir) => existsSync(dir))
    .flatMap((dir) => readdirSync(dir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const found: string[] = [];
  if (memory_mib.recommended < memory_mib.minimum) {
    found.push(
      `memory_mib: expected recommended (${memory_mib.recommended}) to be at least minimum (${memory_mib.minimum}).`,
    );
  }
  const x86Only = boot.firmware.filter((firmware) => firmware === "bios" || firmware === "efi32");
  if (x86Only.length > 0 && architecture !== "amd64" && architecture !== "i386") {
    found.push(
      `boot.firmware: ${x86Only.join(" and ")} exists on amd64 and i386 only, but architecture is ${architecture}.`,
    );
  }
  found.push(...unfitForm(profile));
  for (const overlay of profile.overlays.filter((name) => !folders.includes(name))) {
    const guess = didYouMean(overlay, folders);
    found.push(
      `overlays: there is no folder overlays/${overlay}.${guess ? ` Did you mean "${guess}"?` : ""}`,
    );
  }
  return found;
}

/** A machine has a kernel and firmware, a container borrows them; a converted machine keeps its own, and its consoles. */
function unfitForm({ form, kernel, boot, qemu, consoles }: Profile): readonly string[] {
  const parts = {
    "kernel.package": kernel.package !== undefined,
    "boot.firmware": boot.firmware.length > 0,
    qemu: qemu !== undefined,
    consoles: consoles.length > 0,
    "consoles.kernel": consoles.every((console) => console.kernel !== undefined),
  };
  const needed: Readonly<Record<typeof form, readonly string[]>> = {
    disk: Object.keys(parts),
    container: ["consoles"],
    convert: [],
  };
  return Object.entries(parts).flatMap(([field, isThere]) => {
    if (needed[form].includes(field))
      return isThere ? [] : [`${field}: this is missing; ${NEEDED_BECAUSE[form]} needs it.`];
    return isThere && field !== "consoles.kernel"
      ? [`${field}: expected nothing here: ${UNWANTED[form]}.`]
      : [];
  });
}

const NEEDED_BECAUSE: Readonly<Record<Profile["form"], string>> = {
  disk: "a machine that starts from a disk",
  container: "a container",
  convert: "a conversion",
};
const UNWANTED: Readonly<Record<Profile["form"], string>> = {
  disk: "a machine that starts from a disk has no use for it",
  container: "a container starts on a machine that has it",
  convert: "a machine that is converted keeps its own",
};

/** Where a field of the merged profile was written; the profile's own name for what nobody wrote. */
function placeOf(field: string, merged: Tracked, id: string): string {
  const origin = leaves(merged).get(field)?.origin;
  return origin ? `${origin.file}:${origin.line}` : `${id} and its parents`;
}

function inSchemaOrder(value: unknown, schema: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value))
    return value.map((item) => inSchemaOrder(item, (schema.items ?? {}) as typeof schema));
  if (typeof value !== "object" || value === null) return value;
  const data = value as Readonly<Record<string, unknown>>;
  const ordered = Object.entries(propertiesOf(schema)).filter(([key]) => key in data);
  return Object.fromEntries(ordered.map(([key, below]) => [key, inSchemaOrder(data[key], below)]));
}

function leavesOf(value: unknown): ReadonlyMap<string, Leaf["value"]> {
  const nowhere = { file: "", line: 0 };
  return new Map([...leaves(track(value, () => nowhere))].map(([field, leaf]) => [field, leaf.value]));
}
