// SPDX-License-Identifier: GPL-3.0-or-later
// A cluster of Debian's etcd whose only member has a name that a shell would run. A box that joins gets the name in
// the list of members.
import type { LabHost } from "../host.ts";
import { shellTexts } from "./texts.ts";

/** Where clients of the cluster ask, and where its members do. */
export const ETCD_PORTS = { clients: 2379, members: 2380 } as const;

export function hostileEtcd(name: string, address: string): LabHost {
  const [member = ""] = shellTexts();
  const clients = `http://${address}:${ETCD_PORTS.clients}`;
  const members = `http://${address}:${ETCD_PORTS.members}`;
  return {
    ...{ name, address },
    server: async () => ({
      command: [
        ...["etcd", "--name", member, "--data-dir", "/srv/etcd", "--log-level", "info"],
        ...["--listen-client-urls", clients, "--advertise-client-urls", clients],
        ...["--listen-peer-urls", members, "--initial-advertise-peer-urls", members],
        ...["--initial-cluster", `${member}=${members}`],
      ],
      ready: /ready to serve client requests/,
    }),
  };
}
