// SPDX-License-Identifier: GPL-3.0-or-later
// The community's web site, where members register their nodes and boxes: a stand-in that behaves as the real one
// does.

import { seed } from "../guifi-site/seed.ts";
import type { Community, LabHost } from "../host.ts";
import { bundleProgram } from "../program.ts";

/** `knows`: what it knows at the beginning. */
export function guifiSite(name: string, address: string, knows = seed): LabHost {
  return {
    name,
    address,
    answersFor: namesOf,
    async server(community) {
      return {
        command: ["node", "/srv/site.mjs", ...doorsOf(community).map((door) => `--listen=${door}`)],
        files: {
          "site.mjs": await bundleProgram("test/lab/guifi-site/program.ts"),
          "state.json": JSON.stringify(knows()),
        },
        tls: [`${name}.lab`, ...namesOf(community)],
        ready: /^the site is ready$/m,
      };
    },
  };
}

const urlsOf = ({ api }: Community): URL[] =>
  [api.url, api.auth_url, api.cnml_url].map((url) => new URL(url));

const namesOf = (community: Community): string[] => [
  ...new Set(urlsOf(community).map(({ hostname }) => hostname)),
];

/** Such as https:443. */
function doorsOf(community: Community): string[] {
  const doors = urlsOf(community).map(({ protocol, port }) => {
    const standard = protocol === "http:" ? 80 : 443;
    return `${protocol}${port || standard}`;
  });
  return [...new Set(doors)];
}
