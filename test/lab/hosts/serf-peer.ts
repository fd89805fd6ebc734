// SPDX-License-Identifier: GPL-3.0-or-later
// A Serf agent as on a box that has been in the network for long; publishes itself, as boxes do.
import { encodeServices, SERVICES_TAG } from "../../../common/serf-payload.ts";
import { bzip2Filter } from "../bzip2-filter.ts";
import type { LabHost } from "../host.ts";

export function serfPeer(name: string, address: string, options: { readonly join?: string } = {}): LabHost {
  return {
    name,
    address,
    async server({ serf }) {
      const own = {
        s: "serf",
        d: "SERF instance running",
        m: `${name}.${serf.cloud}.local`,
        i: address,
        p: String(serf.port),
        e: serf.microcloud,
        t: "",
      };
      const settings = {
        node_name: name,
        bind: `${address}:${serf.port}`,
        rpc_addr: "127.0.0.1:7373",
        profile: serf.profile,
        ...(serf.protocol ? { protocol: serf.protocol } : {}),
        ...(options.join ? { start_join: [`${options.join}:${serf.port}`] } : {}),
        tags: { [SERVICES_TAG]: await encodeServices([own], bzip2Filter) },
      };
      return {
        command: ["serf", "agent", "-config-file=/srv/serf.json"],
        files: { "serf.json": `${JSON.stringify(settings, null, 2)}\n` },
        ready: /Serf agent running!/,
      };
    },
  };
}
