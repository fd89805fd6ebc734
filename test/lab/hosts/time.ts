// SPDX-License-Identifier: GPL-3.0-or-later
// The time of this machine, by chrony, which does not change this machine's clock. With a date as a further argument
// it serves that date, as a server whose clock is years off.
import { isIP } from "node:net";
import type { LabHost } from "../host.ts";

const CONFIGURATION = `
local stratum 2
allow
manual
bindcmdaddress /run/chrony/chronyd.sock
pidfile /run/chrony/chronyd.pid
user root
`;

// It refuses a directory for its socket that others may look into. -x: leave this machine's clock alone.
const START = `
mkdir -m 750 /run/chrony
chronyd -x -d -f /srv/chrony.conf &
until chronyc tracking >/dev/null 2>&1; do sleep 0.05; done
[ $# -eq 0 ] || chronyc settime "$1"
echo "the clock is served"
wait
`;

/** Where Debian's boxes ask for the time when nobody told them better. */
const DEBIAN_POOL = "debian.pool.ntp.org";

export function time(name: string, address: string): LabHost {
  return {
    name,
    address,
    leaseOption: "ntp-server",
    answersFor: ({ ntp }) => [DEBIAN_POOL, ...ntp.servers.filter((server) => !isIP(server))],
    async server() {
      return {
        command: ["sh", "-euc", START, "time"],
        files: { "chrony.conf": CONFIGURATION },
        ready: /^the clock is served$/m,
      };
    },
  };
}
