// SPDX-License-Identifier: GPL-3.0-or-later
// A registry of container images: Debian's docker-registry, over TLS with a certificate of the lab's authority. Empty
// at the start; whoever can reach it may put images there.
import type { LabHost } from "../host.ts";

export function registry(name: string, address: string): LabHost {
  return {
    name,
    address,
    server: async () => ({
      command: ["docker-registry", "serve", "/srv/config.yml"],
      files: {
        "config.yml": `version: 0.1
storage: { filesystem: { rootdirectory: /srv/images } }
http: { addr: "0.0.0.0:443", tls: { certificate: /srv/tls.crt, key: /srv/tls.key } }
`,
      },
      tls: [`${name}.lab`],
      ready: /listening on/,
    }),
  };
}
