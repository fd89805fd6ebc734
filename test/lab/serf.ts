// SPDX-License-Identifier: GPL-3.0-or-later
// The network as a Serf peer of the lab sees it: who is there, and which services they publish.
import { once } from "node:events";
import { fail } from "../../common/fail.ts";
import { decodeServices, type PublishedService, SERVICES_TAG } from "../../common/serf-payload.ts";
import { bzip2Filter } from "./bzip2-filter.ts";
import type { Lab } from "./lab.ts";
import { type OldService, oldSearch } from "./old-search.ts";
import { spawnInside } from "./server.ts";

export interface Member {
  readonly name: string;
  /** IPv4 address and port. */
  readonly address: string;
  readonly status: string;
  readonly services: readonly PublishedService[];
}

interface SerfMembers {
  readonly members: readonly { name: string; addr: string; status: string; tags: Record<string, string> }[];
}

/** What the page of an old node shows, from the same list; undefined when the page is broken. */
export async function oldNodeSearch(lab: Lab, peer = "peer"): Promise<readonly OldService[] | undefined> {
  return oldSearch(await listed(lab, peer), bzip2Filter);
}

async function listed(lab: Lab, peer: string): Promise<SerfMembers["members"]> {
  const { code, stdout } = await lab.run(peer, ["serf", "members", "-format=json"]);
  return code === 0 ? (JSON.parse(stdout) as SerfMembers).members : [];
}

/** Empty when the agent does not answer. */
export async function members(lab: Lab, peer = "peer"): Promise<Member[]> {
  const found = await listed(lab, peer);
  return Promise.all(
    found.map(async ({ name, addr, status, tags }) => ({
      name,
      address: addr,
      status,
      services: tags[SERVICES_TAG] ? await decodeServices(tags[SERVICES_TAG], bzip2Filter) : [],
    })),
  );
}

/**
 * Waits until a member is as wanted; looks whenever the agent reports an event, and now and then.
 * @throws Failure `lab-member-missing` after `timeoutMs`.
 */
export async function memberWhere(
  lab: Lab,
  wanted: (member: Member) => boolean,
  { peer = "peer", timeoutMs = 300_000 }: { peer?: string; timeoutMs?: number } = {},
): Promise<Member> {
  const monitor = spawnInside(lab.place(peer), ["serf", "monitor"]);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    while (!deadline.aborted) {
      const event = nextEvent(monitor.stdout, deadline);
      const member = (await members(lab, peer)).find(wanted);
      if (member) return member;
      await event;
    }
  } finally {
    monitor.kill("SIGKILL");
  }
  const seen = await members(lab, peer);
  return fail({
    code: "lab-member-missing",
    what: `The lab's Serf peer did not see the member it waited for within ${timeoutMs / 1000} s.`,
    found:
      seen
        .map(({ name, status, services }) => `${name} (${status}, ${services.length} services)`)
        .join(", ") || "nobody",
    hint: "./cbox lab status",
  });
}

/** Or five seconds: what happened before the monitor was listening is no event. */
async function nextEvent(stream: NodeJS.ReadableStream, deadline: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([deadline, AbortSignal.timeout(5000)]);
  await once(stream, "data", { signal }).catch(() => {});
}
