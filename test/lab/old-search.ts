// SPDX-License-Identifier: GPL-3.0-or-later
// The search of a node of the old distribution, with its parsing: a shell script that splits lists at white space and
// joins pieces of JSON, so that one unexpected value of one box can empty the page on every node.

import { type Filter, SERVICES_TAG } from "../../common/serf-payload.ts";

/** A member of the network as `serf members -format=json` lists it. */
export interface SerfMember {
  readonly name: string;
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A service on the page: the fields of the tag, and the member that published it. */
export type OldService = Readonly<Record<string, unknown>> & { readonly node_id: string };

/** What the page shows; undefined when the whole page is broken. */
export async function oldSearch(
  members: readonly SerfMember[],
  filter: Filter,
): Promise<readonly OldService[] | undefined> {
  const pieces: string[] = [];
  for (const member of members) {
    const tag = member.tags[SERVICES_TAG];
    // A member is one word of a list, so one with white space in its name or in any tag is no JSON any more.
    if (member.status !== "alive" || !tag || / /.test(JSON.stringify(member))) continue;
    for (const word of await wordsOf(tag, filter))
      pieces.unshift(`{"node_id":${JSON.stringify(member.name)},${word.slice(1)}`);
  }
  try {
    return JSON.parse(`[${pieces.join(",")}]`) as OldService[];
  } catch {
    return undefined;
  }
}

/** The services of one tag, each as one line of JSON, taken apart at white space. */
async function wordsOf(tag: string, filter: Filter): Promise<string[]> {
  try {
    const json = Buffer.from(await filter("bunzip2", Buffer.from(tag, "base64"))).toString("utf8");
    const services = JSON.parse(json.replaceAll("'", '"')) as unknown[];
    return services
      .map((each) => JSON.stringify(each))
      .join("\n")
      .split(/[ \t\n]+/)
      .filter(Boolean);
  } catch {
    // The script goes on with the next member.
    return [];
  }
}
