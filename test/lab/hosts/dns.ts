// SPDX-License-Identifier: GPL-3.0-or-later
// DHCP and DNS by dnsmasq. It resolves the names of the lab and denies all others; its leases name no router, because
// there is no other network to route to.
import type { Community, LabHost } from "../host.ts";

export const LEASE_RANGE = { first: "10.139.40.100", last: "10.139.40.199" } as const;
/** dnsmasq's own record of leases, in the host's directory. */
export const LEASES = "leases";

export function dns(name: string, address: string): LabHost {
  return {
    name,
    address,
    async server(community, all) {
      return {
        command: ["dnsmasq", "--keep-in-foreground", "--conf-file=/srv/dnsmasq.conf"],
        files: { "dnsmasq.conf": configuration(community, all) },
        ready: /dnsmasq\[\d+\]: started/,
      };
    },
  };
}

function configuration(community: Community, all: readonly LabHost[]): string {
  const lines = [
    "user=root",
    "log-facility=-",
    "pid-file=",
    "no-resolv",
    "no-hosts",
    // Everything that is not named below does not exist.
    "address=/#/",
    ...all.flatMap(({ name, address, answersFor }) =>
      address
        ? [`${name}.lab`, ...(answersFor?.(community) ?? [])].map((known) => `address=/${known}/${address}`)
        : [],
    ),
    `dhcp-range=${LEASE_RANGE.first},${LEASE_RANGE.last},255.255.255.0,1h`,
    "dhcp-option=option:router",
    ...all.flatMap(({ leaseOption, address }) =>
      leaseOption && address ? [`dhcp-option=option:${leaseOption},${address}`] : [],
    ),
    "dhcp-authoritative",
    // This is the only DHCP server: it need not spend three seconds on a ping before it gives an address.
    "no-ping",
    `dhcp-leasefile=/srv/${LEASES}`,
  ];
  return `${[...new Set(lines)].join("\n")}\n`;
}
