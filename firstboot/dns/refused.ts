// SPDX-License-Identifier: GPL-3.0-or-later
// BIND's errors about the generated zones (named-checkconf -z), and the zones without the causes: a rejected line is
// removed, and a zone rejected for another reason is removed as a whole.

export interface Without {
  readonly content: string;
  /** The removed lines, unchanged. */
  readonly left: readonly string[];
}

/** Line numbers from 0 by file path; and the zones, `<view>.<zone>`, that are rejected without a line number. */
interface Refused {
  readonly lines: ReadonlyMap<string, ReadonlySet<number>>;
  readonly zones: readonly string[];
}

/** Zones, `<view>.<zone>`, that BIND rejects without a line number. Parameters: see below. */
export function refusedZones(
  files: ReadonlyMap<string, string>,
  said: string,
  directory: string,
): readonly string[] {
  return readRefused(files, said, directory).zones;
}

/**
 * The changed files, by path. `files`: the zones, `<view>.<zone>`, and their lists, `<view>.conf`, all in
 * `directory`; `said`: BIND's output. Line numbers stay the same. `kept`: zones that are repaired in another way.
 */
export function withoutRefused(
  files: ReadonlyMap<string, string>,
  said: string,
  directory: string,
  kept: ReadonlySet<string> = new Set(),
): Map<string, Without> {
  const { lines, zones } = readRefused(files, said, directory);
  const refused = new Map([...lines].map(([path, indexes]) => [path, new Set(indexes)]));
  // A zone rejected without a line number is removed as a whole, so that the others work.
  for (const each of zones.filter((zone) => !kept.has(zone))) {
    const [view = ""] = each.split(".", 1);
    const path = `${directory}/${view}.conf`;
    const begin = `zone "${each.slice(view.length + 1)}" `;
    for (const [index, text] of (files.get(path)?.split("\n") ?? []).entries())
      if (text.startsWith(begin)) refused.set(path, (refused.get(path) ?? new Set()).add(index));
  }
  return new Map(
    [...refused].map(([path, indexes]) => {
      const text = (files.get(path) ?? "").split("\n");
      const left = [...indexes].map((index) => text[index] ?? "");
      const comment = path.endsWith(".conf") ? "//" : ";";
      return [
        path,
        {
          content: text.map((line, index) => (indexes.has(index) ? `${comment} left out` : line)).join("\n"),
          left,
        },
      ];
    }),
  );
}

function readRefused(files: ReadonlyMap<string, string>, said: string, directory: string): Refused {
  const refused = new Map<string, Set<number>>();
  const lines = said.split("\n");
  /** Marks the matching lines of a file. */
  const refuseWhere = (path: string, isMeant: (line: string, index: number) => boolean) => {
    for (const [index, line] of (files.get(path)?.split("\n") ?? []).entries()) {
      if (isMeant(line, index)) refused.set(path, (refused.get(path) ?? new Set()).add(index));
    }
  };
  // "dns_master_load: /z/internal.a.local:11: x.a.local: CNAME and other data"
  for (const line of lines) {
    const [, path = "", number = ""] = /(\/\S+?):(\d+): /.exec(line) ?? [];
    if (!path.endsWith(".conf"))
      refuseWhere(path, (text, index) => index === Number(number) - 1 && isRecord(text));
  }
  // "internal/a.local/IN: bad zone"
  const bad = lines.flatMap((line) => {
    const [, view, zone] = /^(internal|external)\/(\S+)\/IN: /.exec(line) ?? [];
    return view && zone ? [{ view, zone, path: `${directory}/${view}.${zone}` }] : [];
  });
  // "zone a.local/IN: NS 'ns9.a.local' has no address records (A or AAAA)", without the view.
  for (const line of lines) {
    const [, zone = "", target = ""] =
      /^zone (\S+?)\/IN: NS '(\S+?)' (?:has no address|is a CNAME|is below a DNAME)/.exec(line) ?? [];
    const short = target.endsWith(`.${zone}`) ? target.slice(0, -zone.length - 1) : target;
    for (const { path } of bad.filter((each) => each.zone === zone))
      refuseWhere(path, (text) => [`@ IN NS ${short}`, `@ IN NS ${target}.`].includes(text));
  }
  const whole = bad.filter(({ path }) => files.has(path) && !refused.has(path));
  return { lines: refused, zones: [...new Set(whole.map(({ view, zone }) => `${view}.${zone}`))] };
}

/** Not the first lines, which every zone needs, nor a line that was already removed. */
function isRecord(line: string | undefined): boolean {
  return line !== undefined && !/^(;|\$|@ IN SOA )/.test(line);
}
