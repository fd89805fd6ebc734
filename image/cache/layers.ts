// SPDX-License-Identifier: GPL-3.0-or-later
// The layer store: finished root file systems, each named by the hash of everything that went into it.
// A layer appears by one rename when it is complete, so an interrupted build leaves no incomplete layer.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../../common/fail.ts";
import { inTurn } from "../../common/lock.ts";
import type { Session } from "../host/session.ts";

/** Everything that decides a layer's content, as plain data; its hash is the layer's name. */
export type LayerInputs = Readonly<
  Record<string, string | number | readonly string[] | Readonly<Record<string, string>>>
>;

/** A layer that may not be there yet. */
export interface LayerPlan {
  /** Such as rootfs-vm-amd64. */
  readonly kind: string;
  readonly inputs: LayerInputs;
}

export interface Layer {
  readonly kind: string;
  readonly key: string;
  /** The root file system. Never written to once the layer exists. */
  readonly root: string;
  /** Why it had to be made now; empty when it came from the store. */
  readonly reasons: readonly string[];
}

export interface LayerStore {
  /** The layer for these inputs, from the store or made by `make(root)`. */
  obtain(kind: string, inputs: LayerInputs, make: (root: string) => Promise<void>): Promise<Layer>;
  /** What `obtain` would do, without doing it: undefined when the layer is there, else the reasons. */
  explain(kind: string, inputs: LayerInputs): Promise<readonly string[] | undefined>;
}

/** Layers of one kind and name that are kept; older ones are removed when a new one is made. */
const KEEP = 3;
/** Hexadecimal digits of a layer's key. */
const KEY_LENGTH = 16;

/** The first word of a kind: rootfs-vm-amd64 and rootfs-minix-neo-z64 are both "rootfs". */
const familyOf = (kind: string) => kind.split("-")[0];

export function openLayers(session: Session, directory: string): LayerStore {
  const pathOf = (kind: string, key: string) => join(directory, `${kind}-${key}`);
  const names = () => readdir(directory).catch((): string[] => []);

  /** The key is the whole content, so a layer made for another profile serves as well. */
  const find = async (kind: string, key: string) => {
    const family = familyOf(kind);
    const own = `${kind}-${key}`;
    const same = (await names()).filter((name) => name.endsWith(`-${key}`) && familyOf(name) === family);
    const found = same.includes(own) ? own : same[0];
    return found === undefined ? undefined : join(directory, found);
  };

  const newest = async (kind: string) => {
    const those = (await names()).filter((name) => name.slice(0, -KEY_LENGTH - 1) === kind);
    const dated = await Promise.all(
      those.map(async (name) => ({ name, used: (await stat(join(directory, name))).mtimeMs })),
    );
    return dated.sort((a, b) => b.used - a.used).map(({ name }) => join(directory, name));
  };

  const explain: LayerStore["explain"] = async (kind, inputs) => {
    if (await find(kind, layerKey(inputs))) return undefined;
    const [last] = await newest(kind);
    if (!last) return ["nothing in the cache"];
    return changes(JSON.parse(await readFile(join(last, "inputs.json"), "utf8")) as LayerInputs, inputs);
  };

  return {
    explain,
    async obtain(kind, inputs, make) {
      const key = layerKey(inputs);
      const fromStore = async (): Promise<Layer | undefined> => {
        const there = await find(kind, key);
        if (!there) return undefined;
        const now = new Date();
        await utimes(there, now, now);
        return { kind, key, root: join(there, "root"), reasons: [] };
      };
      const makeIt = async (): Promise<Layer> => {
        const path = pathOf(kind, key);
        const reasons = (await explain(kind, inputs)) ?? [];
        const layer: Layer = { kind, key, root: join(path, "root"), reasons };
        for (const reason of reasons) session.note(`rebuilt: ${reason}`);
        const work = join(directory, `.work-${kind}-${key}`);
        await removeTree(session, work);
        await mkdir(join(work, "root"), { recursive: true });
        await make(join(work, "root"));
        await writeFile(join(work, "inputs.json"), `${JSON.stringify(inputs, null, 2)}\n`);
        await rename(work, path);
        for (const old of (await newest(kind)).slice(KEEP)) await removeTree(session, old);
        return layer;
      };
      // A build, the lab and the tests may want the same layer at the same time: one makes it, the others wait for it.
      const turn = join(directory, `.lock-${kind}-${key}`);
      const waits = (holder: string) => session.note(`process ${holder} is making ${kind}; waiting for it`);
      const { signal } = session;
      return (
        (await fromStore()) ??
        (await inTurn(turn, async () => (await fromStore()) ?? (await makeIt()), { signal, waits }))
      );
    },
  };
}

const isRecord = (input: LayerInputs[string]) => typeof input === "object" && !Array.isArray(input);

export function layerKey(inputs: LayerInputs): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(inputs)))
    .digest("hex")
    .slice(0, KEY_LENGTH);
}

/** Removes a tree, but never through a mount that something left in it. */
async function removeTree(session: Session, path: string): Promise<void> {
  if (!existsSync(path)) return;
  const mounts = (await readFile("/proc/self/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  const inside = mounts.filter((mount) => mount.startsWith(`${path}/`));
  if (inside.length > 0) {
    fail({
      code: "mount-in-cache",
      what: "Something is mounted inside the cache, so it is not cleaned.",
      found: inside.join(", "),
      hint: `umount ${inside.at(-1)}`,
    });
  }
  session.note(`removing ${path}`);
  await rm(path, { recursive: true, force: true });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value) || value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** Says in short phrases what differs: `package list changed: +serf`, `hook 50-lock.hook.chroot changed`. */
export function changes(before: LayerInputs, after: LayerInputs): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const [was, is] = [before[name], after[name]];
    if (JSON.stringify(sorted(was)) === JSON.stringify(sorted(is))) return [];
    if (Array.isArray(was) && Array.isArray(is)) {
      const added = is.filter((item) => !was.includes(item)).map((item) => `+${item}`);
      const removed = was.filter((item) => !is.includes(item)).map((item) => `-${item}`);
      return [`${name} changed: ${brief([...added, ...removed])}`];
    }
    if ([was, is].every((one) => one === undefined || isRecord(one))) {
      const [a, b] = [was ?? {}, is ?? {}] as [Record<string, string>, Record<string, string>];
      const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
        .filter((key) => a[key] !== b[key])
        .sort();
      return [
        `${name} changed: ${brief(keys.map((key) => (!(key in a) ? `+${key}` : !(key in b) ? `-${key}` : key)))}`,
      ];
    }
    return [`${name} changed: ${String(was ?? "none")} -> ${String(is ?? "none")}`];
  });
}

function brief(items: readonly string[]): string {
  const shown = items.slice(0, 6).join(" ");
  return items.length > 6 ? `${shown} and ${items.length - 6} more` : shown;
}
