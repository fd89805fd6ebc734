// SPDX-License-Identifier: GPL-3.0-or-later
// How a child profile continues its parent, value by value, each value remembering the file and line it came from.
// Maps merge, scalars override, lists go on (an entry once); "-x" takes x off the parent's list. Maps in a list are
// the same entry when their identity key, the first one their schema requires, has the same value.
import { fieldPath } from "../../common/schema.ts";
import { identityKey, propertiesOf } from "./schema.ts";

export interface Origin {
  readonly file: string;
  readonly line: number;
}

export interface Leaf {
  readonly kind: "leaf";
  readonly value: string | number | boolean | null;
  readonly origin: Origin;
}
export interface TrackedMap {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Tracked>;
}
export interface TrackedList {
  readonly kind: "list";
  readonly items: readonly Tracked[];
}
/** A value whose every leaf knows its origin. */
export type Tracked = Leaf | TrackedMap | TrackedList;

type Schema = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

/** Called for a "-x" whose x the parent does not have. */
export type OnStrayRemoval = (removal: Leaf) => void;

export const nothing: TrackedMap = { kind: "map", entries: new Map() };

/** Pure and deterministic. `schema` describes the merged value; both sides are valid files of it. */
export function merge(
  parent: Tracked | undefined,
  child: Tracked,
  schema: Schema,
  onStray: OnStrayRemoval,
): Tracked {
  if (child.kind === "map")
    return mergeMap(parent?.kind === "map" ? parent : nothing, child, schema, onStray);
  if (child.kind === "list")
    return mergeList(parent?.kind === "list" ? parent.items : [], child, schema, onStray);
  return child;
}

function mergeMap(
  parent: TrackedMap,
  child: TrackedMap,
  schema: Schema,
  onStray: OnStrayRemoval,
): TrackedMap {
  const entries = new Map(parent.entries);
  for (const [key, value] of child.entries) {
    entries.set(key, merge(entries.get(key), value, propertiesOf(schema)[key] ?? {}, onStray));
  }
  return { kind: "map", entries };
}

function mergeList(
  parent: readonly Tracked[],
  child: TrackedList,
  schema: Schema,
  onStray: OnStrayRemoval,
): TrackedList {
  const entrySchema = (schema.items ?? {}) as Schema;
  const items = [...parent];
  const find = (wanted: unknown) => items.findIndex((item) => identity(item, entrySchema) === wanted);
  for (const entry of child.items) {
    const removed = removal(entry);
    const at = find(removed ?? identity(entry, entrySchema));
    if (removed !== undefined) {
      if (at >= 0) items.splice(at, 1);
      else onStray(entry as Leaf);
    } else if (at < 0) {
      items.push(merge(undefined, entry, entrySchema, onStray));
    } else if (entry.kind === "map") {
      items[at] = merge(items[at], entry, entrySchema, onStray);
    }
  }
  return { kind: "list", items };
}

function removal(entry: Tracked): string | undefined {
  return entry.kind === "leaf" && typeof entry.value === "string" && entry.value.startsWith("-")
    ? entry.value.slice(1)
    : undefined;
}

function identity(entry: Tracked, schema: Schema): unknown {
  if (entry.kind === "leaf") return entry.value;
  const key = identityKey(schema);
  const named = entry.kind === "map" && key ? entry.entries.get(key) : undefined;
  return named?.kind === "leaf" ? named.value : entry;
}

/** Plain data with an origin for every leaf. */
export function track(data: unknown, originOf: (path: Path) => Origin, path: Path = []): Tracked {
  if (Array.isArray(data)) {
    return { kind: "list", items: data.map((item, index) => track(item, originOf, [...path, index])) };
  }
  if (typeof data === "object" && data !== null) {
    const entries = Object.entries(data).map(
      ([key, value]) => [key, track(value, originOf, [...path, key])] as const,
    );
    return { kind: "map", entries: new Map(entries) };
  }
  return { kind: "leaf", value: data as Leaf["value"], origin: originOf(path) };
}

/** The data alone. */
export function plain(tracked: Tracked): unknown {
  if (tracked.kind === "leaf") return tracked.value;
  if (tracked.kind === "list") return tracked.items.map(plain);
  return Object.fromEntries([...tracked.entries].map(([key, value]) => [key, plain(value)]));
}

/** Every leaf by its field, such as `consoles[1].device`. */
export function leaves(tracked: Tracked, path: Path = []): ReadonlyMap<string, Leaf> {
  if (tracked.kind === "leaf") return new Map([[fieldPath(path), tracked]]);
  const below: (readonly [string | number, Tracked])[] =
    tracked.kind === "list"
      ? tracked.items.map((item, index) => [index, item] as const)
      : [...tracked.entries];
  return new Map(below.flatMap(([key, value]) => [...leaves(value, [...path, key])]));
}
