// SPDX-License-Identifier: GPL-3.0-or-later
// Hostile Serf agents: one announces invalid services under the address of another node; the other announces far more
// services than a box may offer, in a tag of some hundred bytes.
import { SERVICES_TAG } from "../../../common/serf-payload.ts";
import { bzip2Filter } from "../bzip2-filter.ts";
import type { LabHost } from "../host.ts";
import { serfPeer } from "../hosts/serf-peer.ts";
import { shellTexts, TERMINAL_TEXT, TRAP } from "./texts.ts";

interface Place {
  readonly address: string;
  /** Address of an agent that it joins through. */
  readonly join: string;
}

/** @param victim the address that it announces as its own */
export function lyingPeer(name: string, { victim, ...place }: Place & { readonly victim: string }): LabHost {
  const [substitution = "", backticks = "", chain = "", line = ""] = shellTexts();
  return peerWith(name, place, [
    { s: substitution, d: TERMINAL_TEXT, m: backticks, i: victim, p: chain, e: line, t: `a=${substitution}` },
    { s: `etcd${TERMINAL_TEXT}`, d: line, m: TRAP, i: place.address, p: "2379", e: "", t: TERMINAL_TEXT },
  ]);
}

/** Announces `count` services. */
export function floodingPeer(name: string, { count, ...place }: Place & { readonly count: number }): LabHost {
  return peerWith(name, place, Array(count).fill({ s: "flood", i: place.address, p: 1 }));
}

function peerWith(name: string, { address, join }: Place, services: readonly object[]): LabHost {
  const honest = serfPeer(name, address, { join });
  return {
    ...honest,
    async server(community, all) {
      const server = (await honest.server?.(community, all))!;
      const settings = JSON.parse(server.files?.["serf.json"] ?? "{}") as object;
      const packed = await bzip2Filter("bzip2", Buffer.from(JSON.stringify(services)));
      const tags = { [SERVICES_TAG]: Buffer.from(packed).toString("base64") };
      return { ...server, files: { "serf.json": JSON.stringify({ ...settings, tags }) } };
    },
  };
}
