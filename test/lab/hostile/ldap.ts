// SPDX-License-Identifier: GPL-3.0-or-later
// A directory with the right names and certificate that refuses everyone with a hostile message.
import type { LabHost } from "../host.ts";
import { ldap } from "../hosts/ldap.ts";
import { bundleProgram } from "../program.ts";

/** @param place which of the community's servers it stands in for: 0 the first, 1 the second. */
export function hostileLdap(name: string, address: string, place: number): LabHost {
  const honest = ldap(name, address, place);
  return {
    ...honest,
    async server(community, all) {
      const { tls } = (await honest.server?.(community, all))!;
      return {
        command: ["node", "/srv/ldap.mjs"],
        files: { "ldap.mjs": await bundleProgram("test/lab/hostile/ldap-program.ts") },
        ...(tls ? { tls } : {}),
        ready: /^the directory is ready$/m,
      };
    },
  };
}
